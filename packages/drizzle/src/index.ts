export { drizzle, type AlloyDBDatabase, type AlloyDBDrizzleConfig } from './node-postgres.ts'
