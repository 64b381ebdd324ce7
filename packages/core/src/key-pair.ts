import type { KeyObject } from 'node:crypto'
import { AlloyDBError } from './alloydb-error.ts'

/** An RSA key pair in the forms that its uses take: SPKI PEM for the Admin API, PKCS#8 PEM for TLS. */
export interface KeyPair {
  readonly publicKey: string
  readonly privateKey: string
}

// Loaded when it is needed: importing this package must cost next to nothing.
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')

const spki = { type: 'spki', format: 'pem' } as const
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const

/** Makes an RSA key pair of 2,048 bits, as AlloyDB's client certificates take it. Works off the main thread. */
export function createKeyPair(): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    crypto().generateKeyPair(
      'rsa',
      { modulusLength: 2048, publicKeyEncoding: spki, privateKeyEncoding: pkcs8 },
      (error, publicKey, privateKey) => (error ? reject(error) : resolve({ publicKey, privateKey })),
    )
  })
}

/**
 * Reads a key pair of one's own from its private key.
 *
 * @throws ALLOYDB_INVALID_OPTION where it is no RSA key of at least 2,048 bits
 */
export function readKeyPair(privateKey: KeyObject | string): KeyPair {
  const key = parsePrivateKey(privateKey)
  const { modulusLength = 0 } = key?.asymmetricKeyDetails ?? {}
  if (key?.asymmetricKeyType !== 'rsa' || modulusLength < 2048) {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      'keyPair is not an RSA private key of at least 2,048 bits.',
      {
        hint: "Give an unencrypted PEM text or a KeyObject, as `crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey` is; or leave keyPair out, and one is made.",
      },
    )
  }
  return {
    publicKey: crypto().createPublicKey(key).export(spki).toString(),
    privateKey: key.export(pkcs8).toString(),
  }
}

function parsePrivateKey(privateKey: KeyObject | string): KeyObject | undefined {
  if (privateKey instanceof crypto().KeyObject) return privateKey.type === 'private' ? privateKey : undefined
  try {
    return crypto().createPrivateKey(privateKey)
  } catch {
    return undefined // the parser's message could quote the key
  }
}
