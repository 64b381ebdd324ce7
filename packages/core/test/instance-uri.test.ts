import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspect } from 'node:util'
import { AlloyDBError } from '../src/alloydb-error.ts'
import { parseInstanceUri } from '../src/instance-uri.ts'

const uri = 'projects/my-project/locations/us-central1/clusters/my-cluster/instances/my-instance'

describe('parseInstanceUri', () => {
  test('takes an instance URI apart and rebuilds the cluster', () => {
    expect(parseInstanceUri(uri)).toEqual({
      name: uri,
      cluster: 'projects/my-project/locations/us-central1/clusters/my-cluster',
      project: 'my-project',
    })
  })

  test('accepts a project that is scoped to a domain', () => {
    const scoped = 'projects/google.com:my-project/locations/r/clusters/c/instances/i'
    expect(parseInstanceUri(scoped)).toEqual({
      name: scoped,
      cluster: 'projects/google.com:my-project/locations/r/clusters/c',
      project: 'google.com:my-project',
    })
  })

  test.each([
    ['empty', '', 'it is empty'],
    ['white space only', '  ', 'remove the white space around it'],
    ['white space around', ` ${uri}\n`, 'remove the white space around it'],
    ['white space inside', uri.replace('my-cluster', 'my cluster'), 'it holds white space'],
    ['a leading slash', `/${uri}`, 'remove the "/" from its start'],
    ['a trailing slash', `${uri}/`, 'remove the "/" from its end'],
    [
      'a full resource name',
      `//alloydb.googleapis.com/${uri}`,
      'remove "//alloydb.googleapis.com/" from its start',
    ],
    [
      'a URL of the Admin API',
      `https://alloydb.googleapis.com/v1beta/${uri}`,
      'remove "https://alloydb.googleapis.com/v1beta/" from its start',
    ],
    ['an extra segment', `${uri}/databases/shop`, 'remove "/databases/shop" from its end'],
    ['a missing instance', 'projects/p/locations/r/clusters/c', '"instances/…" is missing from its end'],
    ['a missing instance ID', 'projects/p/locations/r/clusters/c/instances', 'nothing follows "instances/"'],
    [
      'a missing project',
      'locations/r/clusters/c/instances/i',
      '"projects" is expected where it has "locations"',
    ],
    ['an empty segment', 'projects//locations/r/clusters/c/instances/i', 'nothing follows "projects/"'],
    [
      'a misspelt collection',
      uri.replace('clusters', 'cluster'),
      '"clusters" is expected where it has "cluster"',
    ],
    [
      'a Cloud SQL connection name',
      'my-project:us-central1:my-instance',
      'it looks like a Cloud SQL connection name',
    ],
    ['a Cloud SQL name scoped to a domain', 'google.com:p:r:i', 'it looks like a Cloud SQL connection name'],
    ['two colons in the project', uri.replace('my-project', 'a:b:c'), '"a:b:c" cannot follow "projects/"'],
    ['an empty domain', uri.replace('my-project', ':b'), '":b" cannot follow "projects/"'],
    ['a colon elsewhere', uri.replace('my-cluster', 'a:b'), '"a:b" cannot follow "clusters/"'],
    ['a parent path', uri.replace('my-cluster', '..'), '".." cannot follow "clusters/"'],
    ['a query', `${uri}?alt`, 'cannot follow "instances/"'],
    ['an encoded slash', uri.replace('my-cluster', 'a%2Fb'), '"a%2Fb" cannot follow "clusters/"'],
  ])('refuses %s', (_, text, problem) => {
    expect(() => parseInstanceUri(text)).toThrow(
      expect.objectContaining({
        code: 'ALLOYDB_INVALID_INSTANCE_URI',
        summary: expect.stringContaining(problem) as string,
        hint: 'Expected projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>.',
      }),
    )
  })

  test.each([
    'postgres://app:hunter2@10.0.0.1/shop',
    'postgres:///shop?user=app&password=hunter2',
    'jdbc:postgresql://10.0.0.1/shop?user=app&password=hunter2',
    'host=10.0.0.1 user=app password=hunter2',
  ])('does not show a connection string, which may have a password: %s', (text) => {
    const error = errorOf(() => parseInstanceUri(text))
    expect(error).toMatchObject({ code: 'ALLOYDB_INVALID_INSTANCE_URI', instance: undefined })
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('hunter2')
    expect(error.summary).toMatch(/^Invalid instance URI: it holds "[@=]", as a connection string does/)
  })

  test('takes any text apart, or says what is wrong with it', () => {
    const id = fc.constantFrom('p', 'a.b', '..', '.', 'a:b', '.:b', 'a b', 'a%2F', '', '~-_')
    const piece = fc.oneof(fc.constantFrom('projects', 'locations', 'clusters', 'instances', '/', 'x'), id)
    const uri = fc
      .tuple(id, id, id, id)
      .map(([p, r, c, i]) => `projects/${p}/locations/${r}/clusters/${c}/instances/${i}`)
    const text = fc.oneof(
      uri,
      fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('/')),
    )
    fc.assert(
      fc.property(text, (text) => {
        try {
          const { name, cluster, project } = parseInstanceUri(text)
          expect(new URL(`https://host/${name}`).pathname).toBe(`/${text}`)
          expect([text.startsWith(`projects/${project}/`), text.startsWith(`${cluster}/instances/`)]).toEqual(
            [true, true],
          )
        } catch (error) {
          expect(error).toMatchObject({ code: 'ALLOYDB_INVALID_INSTANCE_URI' })
          expect(error).not.toMatchObject({ summary: expect.stringContaining('remove "/" from') as string })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([[undefined], [null], [42], [{}]])('refuses %s, which is no text', (value) => {
    expect(() => parseInstanceUri(value as unknown as string)).toThrow('not a string')
  })
})

function errorOf(work: () => unknown): AlloyDBError {
  try {
    work()
  } catch (error) {
    if (AlloyDBError.is(error)) return error
  }
  throw new Error('There was no AlloyDBError.')
}
