import { AlloyDBError } from './alloydb-error.ts'
import { describeHttpFailure } from './http-failure.ts'
import { property } from './property.ts'

const loginHint =
  'On a laptop, run `gcloud auth application-default login`; elsewhere, attach a service account, or set ' +
  "GOOGLE_APPLICATION_CREDENTIALS to a credentials file, or give the connector's `auth` option."

/** What google-auth-library says of an answer with 200 and no token. */
const libraryNoToken = 'Could not refresh access token.'

const unreachableHint = 'It will be tried again. Check that this machine reaches its token endpoint.'

/** Turns a failure of google-auth-library to find or to renew credentials into an error that says what to do. */
export function credentialsError(error: unknown): AlloyDBError {
  if (AlloyDBError.is(error)) return error

  const { status, body, retryAt, cause } = describeHttpFailure(error)
  if (cause.message === libraryNoToken) return noTokenError()
  const reason = property(body, 'error')
  if (reason === 'invalid_grant') {
    const needsReauthentication =
      property(body, 'error_subtype') === 'invalid_rapt' || /rapt/.test(cause.message)
    const isAboutTime = /\biat\b|timeframe/.test(cause.message)
    return new AlloyDBError(
      'ALLOYDB_CREDENTIALS_REJECTED',
      `Google rejected the credentials: ${needsReauthentication ? 'you need to log in again (reauth)' : oneLine(cause.message)}.`,
      {
        hint: isAboutTime
          ? `Check the clock of this machine: it says ${new Date().toISOString()}.`
          : 'Run `gcloud auth application-default login` for a user; for a service account, check that its key still exists and that the clock of this machine is right.',
        cause,
      },
    )
  }
  if (status !== undefined && status >= 400 && status < 500 && status !== 429) {
    return new AlloyDBError(
      'ALLOYDB_CREDENTIALS_REJECTED',
      `Google gave no access token for the credentials (HTTP ${status}): ${oneLine(cause.message)}.`,
      {
        hint: loginHint,
        cause,
      },
    )
  }
  if (codeOf(cause).startsWith('ERR_OSSL_')) {
    return new AlloyDBError(
      'ALLOYDB_CREDENTIALS_NOT_FOUND',
      `No usable Google credentials were found: the private key cannot be read (${oneLine(cause.message)}).`,
      {
        hint: 'It has to be PEM, whole, with line breaks: where it comes from an environment variable, turn each "\\n" of its text into one.',
        cause,
      },
    )
  }
  if (status !== undefined || isTransportFailure(cause)) {
    const isUntrusted = /CERT|SELF_SIGNED|UNABLE_TO_/.test(codeOf(cause))
    return new AlloyDBError(
      'ALLOYDB_CREDENTIALS_UNAVAILABLE',
      `No access token could be fetched: ${oneLine(cause.message)}.`,
      {
        hint: isUntrusted
          ? 'The token endpoint shows a certificate that this machine does not trust: where a company proxy ends TLS, set NODE_EXTRA_CA_CERTS to its CA; else check the clock.'
          : unreachableHint,
        cause,
        retryAt,
      },
    )
  }
  return new AlloyDBError(
    'ALLOYDB_CREDENTIALS_NOT_FOUND',
    `No usable Google credentials were found: ${oneLine(cause.message)}.`,
    { hint: loginHint, cause },
  )
}

/** The token endpoint, or what gives tokens in its place, did not answer. */
export function tokenTimeoutError(timeoutMs: number): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    `No access token could be fetched: none came within ${timeoutMs} ms.`,
    { hint: unreachableHint },
  )
}

/** What knows whose the credentials are did not answer. */
export function iamUserTimeoutError(timeoutMs: number): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    `The IAM principal of the credentials could not be found within ${timeoutMs} ms.`,
    { hint: 'Set `user` to the e-mail of the IAM principal that logs in, and nothing has to be asked.' },
  )
}

/** What answered in place of the token endpoint gave no token. */
export function noTokenError(): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_CREDENTIALS_UNAVAILABLE',
    'No access token could be fetched: the answer of the token endpoint holds none.',
    {
      hint: 'Something else may have answered in its place, such as a proxy or the login page of a network.',
    },
  )
}

/** Everything that has a code but is not about a file: sockets, DNS, TLS, aborts. */
function isTransportFailure(cause: Error): boolean {
  return codeOf(cause) !== '' && !/^(ENOENT|EACCES|EPERM|EISDIR|ENOTDIR|ELOOP)$/.test(codeOf(cause))
}

function codeOf(cause: Error): string {
  const code = property(cause, 'code')
  return typeof code === 'string' ? code : ''
}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ').replace(/[.\s]+$/, '')
}
