/** An address as postgres.js has it in its options: it knows lists of hosts. */
export interface Address {
  readonly host: readonly string[]
  readonly port: readonly number[]
}

/** Makes an error that looks like postgres.js's own of the same code. */
export function connectionError(code: string, { host, port }: Address): Error {
  const message = `write ${code} ${host.join()}:${port.join()}`
  return Object.assign(new Error(message), { code, errno: code, address: host, port })
}
