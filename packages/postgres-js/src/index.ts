export { createSql, type AlloyDBSqlConfig } from './create-sql.ts'
export { postgresConfig, type PostgresConfig, type PostgresConfigOptions } from './postgres-config.ts'
