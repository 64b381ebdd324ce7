/** The scope for the Admin API, and to act as another service account. */
export const adminScope: string = 'https://www.googleapis.com/auth/cloud-platform'

/** The scope for the token of the metadata exchange: it allows to log in, and nothing else. */
export const loginScope: string = 'https://www.googleapis.com/auth/alloydb.login'
