import { isLoopback } from './instance.ts'

interface Wanted {
  port: number
  address: string
  /** The option that chooses the port. */
  option: 'port' | 'adminPort'
}

/** Says what a port or an address that can't be had means, and what to do. Other errors are returned as they are. */
export function explainListenError(cause: Error, { port, address, option }: Wanted): Error {
  const flag = option === 'port' ? '--port' : '--admin-port'
  switch ('code' in cause && cause.code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${port} of ${address} is taken; perhaps another emulator is running.\n` +
          `Choose another one by the option ${option} (on the command line: ${flag}), or 0 for a free one.`,
        { cause },
      )
    case 'EACCES':
      return new Error(
        `Port ${port} of ${address} may not be used by this user; those below 1024 often are for root alone.\n` +
          `Choose a higher one by the option ${option} (on the command line: ${flag}), or 0 for a free one.`,
        { cause },
      )
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return isLoopback(address) && address !== '::1'
        ? noLoopbackAlias(address, cause)
        : noAddress(address, cause)
    default:
      return cause
  }
}

function noLoopbackAlias(address: string, cause: Error): Error {
  return new Error(
    `This machine has no address ${address}. On macOS: sudo ifconfig lo0 alias ${address}\n` +
      'Or let each instance have a port of its own: port 0 (on the command line: --port 0).',
    { cause },
  )
}

function noAddress(address: string, cause: Error): Error {
  return new Error(
    `This machine has no address ${address}.\n` +
      'Choose one that it has by the option listenAddress (on the command line: --listen), or 0.0.0.0 for all of them.',
    { cause },
  )
}
