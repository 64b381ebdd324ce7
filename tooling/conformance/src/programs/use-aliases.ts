// Imported before a program: has packages stand for others, as the variable ALIASES says.
import * as nodeModule from 'node:module'

const aliases = process.env['ALIASES'] ?? '{}'
const { registerHooks, register }: Partial<typeof nodeModule> = nodeModule
if (registerHooks !== undefined) {
  const targets = JSON.parse(aliases) as Record<string, string>
  registerHooks({
    resolve: (specifier, context, nextResolve) => nextResolve(targets[specifier] ?? specifier, context),
  })
} else {
  // Node.js 22.12 has only this, which newer ones advise against.
  const source = `const targets = ${aliases}
    export const resolve = (specifier, context, nextResolve) => nextResolve(targets[specifier] ?? specifier, context)`
  register?.(`data:text/javascript,${encodeURIComponent(source)}`)
}
