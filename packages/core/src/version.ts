/** This package's version. `tooling/scripts/write-version.ts` keeps it equal to package.json's. */
export const version = '0.0.0'
