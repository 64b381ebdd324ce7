/**
 * Every code that an {@link AlloyDBError} can carry, and whether the same call may succeed when it is made again
 * without any change. `docs/errors.md` has a section for each.
 */
export const errorCodes = {
  // Before any I/O
  ALLOYDB_INVALID_INSTANCE_URI: { retryable: false },
  ALLOYDB_INVALID_OPTION: { retryable: false },
  ALLOYDB_CONNECTOR_CLOSED: { retryable: false },
  ALLOYDB_ABORTED: { retryable: false },
  // Credentials
  ALLOYDB_CREDENTIALS_NOT_FOUND: { retryable: false },
  ALLOYDB_CREDENTIALS_REJECTED: { retryable: false },
  ALLOYDB_CREDENTIALS_UNAVAILABLE: { retryable: true },
  ALLOYDB_IAM_USER_UNKNOWN: { retryable: false },
  // Admin API
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
  // Dialing
  ALLOYDB_IP_TYPE_NOT_FOUND: { retryable: false },
  ALLOYDB_TCP_FAILED: { retryable: true },
  ALLOYDB_TCP_TIMEOUT: { retryable: true },
  ALLOYDB_TLS_FAILED: { retryable: true },
  ALLOYDB_TLS_TIMEOUT: { retryable: true },
  ALLOYDB_TLS_VERSION_UNSUPPORTED: { retryable: false },
  ALLOYDB_SERVER_CERTIFICATE_UNTRUSTED: { retryable: false },
  ALLOYDB_SERVER_ADDRESS_MISMATCH: { retryable: false },
  ALLOYDB_CLIENT_CERTIFICATE_REJECTED: { retryable: false },
  // Metadata exchange
  ALLOYDB_EXCHANGE_TIMEOUT: { retryable: true },
  ALLOYDB_EXCHANGE_CLOSED: { retryable: true },
  ALLOYDB_EXCHANGE_REJECTED: { retryable: false },
  ALLOYDB_EXCHANGE_INVALID: { retryable: false },
  ALLOYDB_EXCHANGE_POSTGRES_ERROR: { retryable: false },
} as const satisfies Record<`ALLOYDB_${string}`, { retryable: boolean }>

/** A stable name for each way in which connecting can fail. */
export type AlloyDBErrorCode = keyof typeof errorCodes
