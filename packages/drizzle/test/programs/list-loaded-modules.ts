import { registerHooks } from 'node:module'

// Imports what its argument names, and prints the URLs of all modules that are loaded for it.
const urls: string[] = []
registerHooks({
  load(url, context, nextLoad) {
    urls.push(url)
    return nextLoad(url, context)
  },
})
await import(process.argv[2] ?? '')
console.log(urls.join('\n'))
