import type { Subject } from './subject.ts'
import { describeSubject } from './suite.ts'
import { testConnections } from './suites/connections.ts'
import { testDials } from './suites/dials.ts'
import { testEnd } from './suites/end.ts'
import { testLogin } from './suites/login.ts'
import { testQueries } from './suites/queries.ts'
import { testTransactions } from './suites/transactions.ts'

/** Tests that a library works with AlloyDB as with any PostgreSQL, on an emulator. */
export function testConformance(subject: Subject): void {
  describeSubject(subject, [testQueries, testTransactions, testLogin, testDials, testConnections, testEnd])
}
