import type { ConnectionReport } from '../connection-log.ts'

/** One line on how a connection turned out, to read and to search. What clients wrote can't break it. */
export function describeConnection(connection: ConnectionReport, at: Date): string {
  const { instance, outcome, step, user, database, authType, principal, cancel, reason } = connection
  const fields = {
    ...(outcome !== 'connected' && { step }),
    user,
    database,
    auth: authType,
    principal,
    ...(cancel && { cancel: 'yes' }),
  }
  const known = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${word(value)}`,
  )
  const time = at.toISOString().slice(11, 23)
  const duration = `${Math.round(connection.durationMs)}ms`
  const cause = reason === undefined ? [] : [JSON.stringify(reason)]
  return [time, outcome.padEnd(9), nickname(instance), ...known, duration, ...cause].join(' ')
}

function nickname(uri: string): string {
  const [, cluster, instance] = /clusters\/([^/]+)\/instances\/([^/]+)$/.exec(uri) ?? []
  return `${cluster}/${instance}`
}

function word(text: string): string {
  return /^[\w@.+:/-]+$/.test(text) ? text : JSON.stringify(text)
}
