import type { MessageType } from './protobuf.ts'

// The messages of google.cloud.alloydb and google.rpc, as far as the emulator has use for them.

const REQUEST_ID = [2, 'string'] as const

const CONNECTION_INFO: MessageType = {
  name: [1, 'string'],
  ipAddress: [2, 'string'],
  instanceUid: [4, 'string'],
  publicIpAddress: [5, 'string'],
  pscDnsName: [6, 'string'],
  pscAutoDnsName: [9, 'string'],
}

const INSTANCE: MessageType = {
  name: [1, 'string'],
  uid: [3, 'string'],
  createTime: [4, 'timestamp'],
  updateTime: [5, 'timestamp'],
  state: [8, ['STATE_UNSPECIFIED', 'READY', 'STOPPED']],
  instanceType: [9, ['INSTANCE_TYPE_UNSPECIFIED', 'PRIMARY', 'READ_POOL']],
  databaseFlags: [13, 'map'],
  ipAddress: [15, 'string'],
  publicIpAddress: [27, 'string'],
  pscInstanceConfig: [28, { message: { pscDnsName: [7, 'string'] } }],
}

const CLUSTER: MessageType = {
  name: [1, 'string'],
  uid: [3, 'string'],
  createTime: [4, 'timestamp'],
  updateTime: [5, 'timestamp'],
  state: [8, ['STATE_UNSPECIFIED', 'READY']],
  clusterType: [24, ['CLUSTER_TYPE_UNSPECIFIED', 'PRIMARY']],
}

/** A method of the Admin API: the types of its messages, and the REST call that it is the same as. */
export interface AdminMethod {
  request: MessageType
  response: MessageType
  /** The HTTP method. */
  verb: 'GET' | 'POST'
  /** The field of the request that the path begins with. */
  resource: 'parent' | 'name'
  /** What follows the resource in the path. */
  suffix: string
}

/** By their names in the service `google.cloud.alloydb.<version>.AlloyDBAdmin`. */
export const ADMIN_METHODS: Readonly<Record<string, AdminMethod>> = {
  GetConnectionInfo: {
    request: { parent: [1, 'string'], requestId: REQUEST_ID },
    response: CONNECTION_INFO,
    verb: 'GET',
    resource: 'parent',
    suffix: '/connectionInfo',
  },
  GenerateClientCertificate: {
    request: {
      parent: [1, 'string'],
      requestId: REQUEST_ID,
      certDuration: [4, 'duration'],
      publicKey: [5, 'string'],
      useMetadataExchange: [6, 'bool'],
    },
    response: { pemCertificateChain: [2, 'strings'], caCert: [3, 'string'] },
    verb: 'POST',
    resource: 'parent',
    suffix: ':generateClientCertificate',
  },
  GetInstance: {
    request: { name: [1, 'string'] },
    response: INSTANCE,
    verb: 'GET',
    resource: 'name',
    suffix: '',
  },
  ListInstances: {
    request: { parent: [1, 'string'] },
    response: { instances: [1, { messages: INSTANCE }] },
    verb: 'GET',
    resource: 'parent',
    suffix: '/instances',
  },
  GetCluster: {
    request: { name: [1, 'string'] },
    response: CLUSTER,
    verb: 'GET',
    resource: 'name',
    suffix: '',
  },
  ListClusters: {
    request: { parent: [1, 'string'] },
    response: { clusters: [1, { messages: CLUSTER }] },
    verb: 'GET',
    resource: 'parent',
    suffix: '/clusters',
  },
}

/** `google.rpc.Status`, whose details are encoded already. */
export const STATUS: MessageType = {
  code: [1, 'int32'],
  message: [2, 'string'],
}

/** The number of its details, each a `google.protobuf.Any`. */
export const STATUS_DETAILS_FIELD = 3

/** `google.rpc.RetryInfo`. */
export const RETRY_INFO: MessageType = { retryDelay: [1, 'duration'] }

/** `google.rpc.ErrorInfo`. */
export const ERROR_INFO: MessageType = {
  reason: [1, 'string'],
  domain: [2, 'string'],
  metadata: [3, 'map'],
}
