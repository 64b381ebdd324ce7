// Imported before a program: has packages stand for others, as the variable ALIASES says.
import { registerHooks } from 'node:module'

const aliases = JSON.parse(process.env['ALIASES'] ?? '{}') as Record<string, string>
registerHooks({
  resolve: (specifier, context, nextResolve) => nextResolve(aliases[specifier] ?? specifier, context),
})
