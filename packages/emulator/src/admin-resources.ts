import { authorize, notFound, type AccessServices } from './admin-access.ts'
import type { Cluster } from './cluster.ts'
import type { Route } from './http-router.ts'
import type { Permission } from './iam.ts'
import type { Instance } from './instance.ts'

const LOCATION = 'projects/[^/]+/locations/[^/]+'
/** Matches a cluster's resource name. */
export const CLUSTER_PATTERN: string = `${LOCATION}/clusters/[^/:]+`

interface Services extends AccessServices {
  clusters: ReadonlyMap<string, Cluster>
  instances: ReadonlyMap<string, Instance>
}

/**
 * The methods of the Admin API by which tools find out what there is. Lists come on one page, and are not filtered; a
 * `-` stands for any location or cluster.
 */
export function resourceRoutes(services: Services): Route[] {
  const { clusters, instances } = services
  const get = (resource: string, permission: Permission, find: (name: string) => unknown): Route => ({
    method: 'GET',
    pattern: pathOf(resource),
    handle: async (request) => {
      const name = request.params[0]!
      await authorize(request, services, permission, name)
      const body = find(name)
      if (!body) throw notFound(name)
      return { body }
    },
  })
  const list = (collection: string, permission: Permission, all: () => { name: string }[]): Route => ({
    method: 'GET',
    pattern: pathOf(collection),
    handle: async (request) => {
      const prefix = request.params[0]!
      await authorize(request, services, permission, prefix.replace(/\/\w+$/, ''))
      const segments = prefix.split('/')
      const body = all().filter(({ name }) => {
        const found = name.split('/')
        return segments.every((segment, index) => segment === '-' || segment === found[index])
      })
      return { body: { [segments.at(-1)!]: body } }
    },
  })
  return [
    list(`${LOCATION}/clusters`, 'alloydb.clusters.list', () => [...clusters.values()].map(describeCluster)),
    get(CLUSTER_PATTERN, 'alloydb.clusters.get', (name) => describe(clusters.get(name), describeCluster)),
    list(`${CLUSTER_PATTERN}/instances`, 'alloydb.instances.list', () =>
      [...instances.values()].map(describeInstance),
    ),
    get(`${CLUSTER_PATTERN}/instances/[^/:]+`, 'alloydb.instances.get', (name) =>
      describe(instances.get(name), describeInstance),
    ),
  ]
}

function pathOf(resource: string): RegExp {
  return new RegExp(`^/(?:v1|v1beta|v1alpha)/(${resource})$`)
}

function describe<T, U>(found: T | undefined, as: (found: T) => U): U | undefined {
  return found === undefined ? undefined : as(found)
}

function describeCluster({ name, uid, createTime }: Cluster): { name: string } & Record<string, unknown> {
  return {
    name,
    uid,
    createTime,
    updateTime: createTime,
    state: 'READY',
    clusterType: 'PRIMARY',
  }
}

function describeInstance(instance: Instance): { name: string } & Record<string, unknown> {
  const { uri, uid, instanceType, privateIpAddress, publicIpAddress, pscDnsName, iamAuthentication } =
    instance
  const { createTime } = instance.owner
  return {
    name: uri,
    uid,
    createTime,
    updateTime: createTime,
    state: 'READY',
    instanceType,
    databaseFlags: { 'alloydb.iam_authentication': iamAuthentication ? 'on' : 'off' },
    // JSON.stringify leaves out what is undefined, as protobuf's JSON leaves out what is empty.
    ipAddress: privateIpAddress ?? undefined,
    publicIpAddress: publicIpAddress ?? undefined,
    pscInstanceConfig: pscDnsName === null ? undefined : { pscDnsName },
  }
}
