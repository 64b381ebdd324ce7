interface Wanted {
  port: number
  address: string
  /** The option that chooses the port. */
  option: 'port' | 'adminPort'
}

/** Says what a port or an address that can't be had means, and what to do. Other errors are returned as they are. */
export function explainListenError(cause: Error, { port, address, option }: Wanted): Error {
  switch ('code' in cause && cause.code) {
    case 'EADDRINUSE': {
      const flag = option === 'port' ? '--port' : '--admin-port'
      return new Error(
        `Port ${port} of ${address} is taken; perhaps another emulator is running.\n` +
          `Choose another one by the option ${option} (on the command line: ${flag}), or 0 for a free one.`,
        { cause },
      )
    }
    case 'EADDRNOTAVAIL':
      return new Error(
        `This machine has no address ${address}. On macOS: sudo ifconfig lo0 alias ${address}\n` +
          'Or let each instance have a port of its own: port 0 (on the command line: --port 0).',
        { cause },
      )
    default:
      return cause
  }
}
