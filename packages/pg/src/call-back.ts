/**
 * Calls back when a promise has settled, as pg's own methods do. node:util is not imported: that runs its getters, which
 * takes longer than importing all of this package.
 */
export function callBack(promise: Promise<void>, callback: (error: Error) => void): void {
  process.getBuiltinModule('node:util').callbackify(() => promise)(callback)
}
