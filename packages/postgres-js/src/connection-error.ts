/** Makes an error that looks like postgres.js's own of the same code. */
export function connectionError(code: string, { host, port }: { host: unknown; port: unknown }): Error {
  return Object.assign(new Error(`write ${code} ${host}:${port}`), { code, errno: code, address: host, port })
}
