/** A stable name for each way in which connecting can fail. */
export type AlloyDBErrorCode =
  // Before any I/O
  | 'ALLOYDB_INVALID_INSTANCE_URI'
  | 'ALLOYDB_INVALID_OPTION'
  | 'ALLOYDB_CONNECTOR_CLOSED'
  | 'ALLOYDB_ABORTED'
  // Credentials
  | 'ALLOYDB_CREDENTIALS_NOT_FOUND'
  | 'ALLOYDB_CREDENTIALS_REJECTED'
  | 'ALLOYDB_CREDENTIALS_UNAVAILABLE'
  | 'ALLOYDB_IAM_USER_UNKNOWN'
  // Admin API
  | 'ALLOYDB_INVALID_REQUEST'
  | 'ALLOYDB_UNAUTHENTICATED'
  | 'ALLOYDB_PERMISSION_DENIED'
  | 'ALLOYDB_API_DISABLED'
  | 'ALLOYDB_INSTANCE_NOT_FOUND'
  | 'ALLOYDB_QUOTA_EXCEEDED'
  | 'ALLOYDB_ADMIN_API_UNAVAILABLE'
  | 'ALLOYDB_ADMIN_API_INVALID_RESPONSE'
  | 'ALLOYDB_REFRESH_TIMEOUT'
  | 'ALLOYDB_CLIENT_CERTIFICATE_EXPIRED'
  // Dialing
  | 'ALLOYDB_IP_TYPE_NOT_FOUND'
  | 'ALLOYDB_TCP_FAILED'
  | 'ALLOYDB_TCP_TIMEOUT'
  | 'ALLOYDB_TLS_FAILED'
  | 'ALLOYDB_TLS_TIMEOUT'
  | 'ALLOYDB_TLS_VERSION_UNSUPPORTED'
  | 'ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED'
  | 'ALLOYDB_SERVER_ADDRESS_MISMATCH'
  | 'ALLOYDB_CLIENT_CERTIFICATE_REJECTED'
  // Metadata exchange
  | 'ALLOYDB_EXCHANGE_TIMEOUT'
  | 'ALLOYDB_EXCHANGE_CLOSED'
  | 'ALLOYDB_EXCHANGE_REJECTED'
  | 'ALLOYDB_EXCHANGE_INVALID'
  | 'ALLOYDB_EXCHANGE_POSTGRES_ERROR'

/**
 * Whether the same call may succeed when it is made again without any change, for each code. `docs/errors.md` has a
 * section for each.
 */
export const errorCodes: Readonly<Record<AlloyDBErrorCode, { readonly retryable: boolean }>> = {
  ALLOYDB_INVALID_INSTANCE_URI: { retryable: false },
  ALLOYDB_INVALID_OPTION: { retryable: false },
  ALLOYDB_CONNECTOR_CLOSED: { retryable: false },
  ALLOYDB_ABORTED: { retryable: false },
  ALLOYDB_CREDENTIALS_NOT_FOUND: { retryable: false },
  ALLOYDB_CREDENTIALS_REJECTED: { retryable: false },
  ALLOYDB_CREDENTIALS_UNAVAILABLE: { retryable: true },
  ALLOYDB_IAM_USER_UNKNOWN: { retryable: false },
  ALLOYDB_INVALID_REQUEST: { retryable: false },
  ALLOYDB_UNAUTHENTICATED: { retryable: false },
  ALLOYDB_PERMISSION_DENIED: { retryable: false },
  ALLOYDB_API_DISABLED: { retryable: false },
  ALLOYDB_INSTANCE_NOT_FOUND: { retryable: false },
  ALLOYDB_QUOTA_EXCEEDED: { retryable: true },
  ALLOYDB_ADMIN_API_UNAVAILABLE: { retryable: true },
  ALLOYDB_ADMIN_API_INVALID_RESPONSE: { retryable: true },
  ALLOYDB_REFRESH_TIMEOUT: { retryable: true },
  ALLOYDB_CLIENT_CERTIFICATE_EXPIRED: { retryable: false },
  ALLOYDB_IP_TYPE_NOT_FOUND: { retryable: false },
  ALLOYDB_TCP_FAILED: { retryable: true },
  ALLOYDB_TCP_TIMEOUT: { retryable: true },
  ALLOYDB_TLS_FAILED: { retryable: true },
  ALLOYDB_TLS_TIMEOUT: { retryable: true },
  ALLOYDB_TLS_VERSION_UNSUPPORTED: { retryable: false },
  ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED: { retryable: false },
  ALLOYDB_SERVER_ADDRESS_MISMATCH: { retryable: false },
  ALLOYDB_CLIENT_CERTIFICATE_REJECTED: { retryable: false },
  ALLOYDB_EXCHANGE_TIMEOUT: { retryable: true },
  ALLOYDB_EXCHANGE_CLOSED: { retryable: true },
  ALLOYDB_EXCHANGE_REJECTED: { retryable: false },
  ALLOYDB_EXCHANGE_INVALID: { retryable: false },
  ALLOYDB_EXCHANGE_POSTGRES_ERROR: { retryable: false },
}
