const serviceAccountSuffix = '.gserviceaccount.com'

/**
 * Turns an IAM principal's e-mail into the name of its database user: AlloyDB leaves `.gserviceaccount.com` out of a
 * service account's, since PostgreSQL's names end at 63 bytes. Other names stay as they are.
 *
 * @see https://cloud.google.com/alloydb/docs/database-users/manage-iam-auth
 */
export function toIamUser(email: string): string {
  return email.endsWith(serviceAccountSuffix) ? email.slice(0, -serviceAccountSuffix.length) : email
}
