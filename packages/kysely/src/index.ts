export { AlloyDBDialect, type AlloyDBDialectConfig } from './alloydb-dialect.ts'
