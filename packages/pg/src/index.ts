export { createClient, type AlloyDBClientConfig } from './create-client.ts'
export { createPool, type AlloyDBPoolConfig } from './create-pool.ts'
export { pgConfig, type PgConfig, type PgConfigOptions } from './pg-config.ts'
