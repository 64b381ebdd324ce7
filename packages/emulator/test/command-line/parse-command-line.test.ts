import { describe, expect, test } from 'vitest'
import { helpText } from '../../src/command-line/help-text.ts'
import { parseCommandLine } from '../../src/command-line/parse-command-line.ts'
import { UsageError } from '../../src/command-line/usage-error.ts'

const uri = (name: string): string => `projects/p/locations/r/clusters/c/instances/${name}`
const account = { email: 'app@p.iam.gserviceaccount.com' }

describe('no command', () => {
  test('runs an emulator on the usual ports', () => {
    expect(parseCommandLine([])).toMatchObject({
      kind: 'serve',
      json: false,
      quiet: false,
      options: {
        instances: [{ uri: 'projects/emulator/locations/local/clusters/main/instances/primary' }],
        port: 5433,
        adminPort: 9797,
      },
    })
  })

  test('takes instances, read pools, users and ports', () => {
    const words = ['--read-pool', uri('pool'), '--instance', uri('i'), `--instance=${uri('j')}`, '--port=0']
    const data = [
      '--data-dir',
      'data',
      '--init',
      'a.sql',
      '--init',
      'b.sql',
      '--postgres',
      'postgres://me@h/d',
      '--database',
      'shop',
    ]
    const users = ['--user', 'ada:pass:word', '--user', 'bob@example.com']
    expect(parseCommandLine([...words, ...data, ...users, '--admin-port', '1', '--json', '-q'])).toEqual({
      kind: 'serve',
      json: true,
      quiet: true,
      options: {
        instances: [{ uri: uri('i') }, { uri: uri('j') }, { uri: uri('pool'), instanceType: 'READ_POOL' }],
        iam: { principals: [account, { email: 'bob@example.com' }] },
        databaseUsers: [account, { name: 'ada', password: 'pass:word' }, { email: 'bob@example.com' }],
        port: 0,
        adminPort: 1,
        postgres: 'postgres://me@h/d',
        database: 'shop',
        dataDirectory: 'data',
        initFiles: ['a.sql', 'b.sql'],
      },
    })
  })
})

test('exec takes free ports, and leaves what follows "--" alone', () => {
  expect(parseCommandLine(['exec', '--instance', uri('i'), '--', 'npm', '--help', '--', '-x'])).toMatchObject(
    { kind: 'exec', file: 'npm', args: ['--help', '--', '-x'], options: { port: 0, adminPort: 0 } },
  )
})

test('--listen takes the addresses that clients dial, for all instances', () => {
  const words = [
    '--listen',
    '0.0.0.0',
    '--address',
    '10.0.0.1',
    '--psc-dns-name',
    'db',
    '--instance',
    uri('i'),
  ]
  expect(parseCommandLine(words)).toMatchObject({
    options: {
      listenAddress: '0.0.0.0',
      instances: [
        { uri: uri('i'), privateIpAddress: '10.0.0.1', publicIpAddress: '10.0.0.1', pscDnsName: 'db' },
      ],
    },
  })
})

test('--listen localhost is 127.0.0.1', () => {
  expect(parseCommandLine(['--listen', 'localhost'])).toMatchObject({
    options: { listenAddress: '127.0.0.1' },
  })
})

test('--help and --version win over whatever else is there', () => {
  expect(parseCommandLine(['frobnicate', '-h'])).toEqual({ kind: 'help' })
  expect(parseCommandLine(['--version'])).toEqual({ kind: 'version' })
})

test.each([
  [['--frobnicate'], 'Unknown option "--frobnicate".'],
  [['-x'], 'Unknown option "-x".'],
  [['--constructor'], 'Unknown option "--constructor".'],
  [['frobnicate'], 'Unknown command "frobnicate".'],
  [['--', 'npm'], 'To run a program: alloydb-emulator exec -- npm'],
  [['--instance'], '--instance needs a value: --instance <uri>'],
  [['--instance', '--json'], '--instance needs a value: --instance <uri>'],
  [
    ['--instance', 'main'],
    '"main" is not an instance URI.\nWrite it as "projects/<PROJECT>/locations/<REGION>/clusters/<CLUSTER>/instances/<INSTANCE>".',
  ],
  ...['//alloydb.googleapis.com/', 'https://alloydb.googleapis.com/v1beta/', '/', ' '].map(
    (more): [string[], string] => [
      ['--instance', `${more}projects/p/locations/r/clusters/c/instances/i`],
      `"${more}projects/p/locations/r/clusters/c/instances/i" is not an instance URI.\n` +
        'Leave out what is around it: "projects/p/locations/r/clusters/c/instances/i".',
    ],
  ),
  [['--json=yes'], '--json takes no value.'],
  [['--port', '1', '--port', '2'], '--port can be given only once.'],
  [['--port', 'x'], '--port is a number from 0 to 65535, and not "x".'],
  [['--admin-port', '65536'], '--admin-port is a number from 0 to 65535, and not "65536".'],
  [['--user', 'ada'], '"ada" is no user; write <name>:<password> or, for IAM logins, <email>.'],
  [['exec', '--json', '--', 'x'], '--json is not for exec, which prints nothing by itself.'],
  [['--address', '10.0.0.1'], '--address and --psc-dns-name go with --listen.'],
  [
    ['--listen', 'myhost'],
    '"myhost" is no IP address, and the emulator listens on nothing else.\nGive an IP address of this machine, or 0.0.0.0 for all of them (on the command line: --listen 0.0.0.0).',
  ],
  [
    ['--listen', '0.0.0.0', '--address', 'alloydb'],
    '"alloydb" is no IP address, at which clients could dial an instance.\nA name goes into pscDnsName (on the command line: --psc-dns-name), for clients with the IP type PSC.',
  ],
  [['exec'], 'Write the program to run after "--": alloydb-emulator exec -- node main.js'],
  [['exec', 'npm', 'test'], 'Write the program to run after "--": alloydb-emulator exec -- npm test'],
])('%j is refused, with what to do', (words, message) => {
  expect(() => parseCommandLine(words)).toThrow(new UsageError(message))
})

test('the help fits a terminal of 120 columns', () => {
  expect(
    Math.max(
      ...helpText()
        .split('\n')
        .map(({ length }) => length),
    ),
  ).toBeLessThanOrEqual(120)
})
