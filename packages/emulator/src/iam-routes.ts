import type { DatabaseUser, IamUser, PasswordUser } from './cluster.ts'
import { actOnJson, emulatorRoute } from './emulator-route.ts'
import { GoogleError } from './google-error.ts'
import type { Route } from './http-router.ts'
import { isFederated, ROLE_NAMES, type Iam, type Principal } from './iam.ts'
import {
  fail,
  type Fields,
  flag,
  instance,
  list,
  number,
  object,
  oneOf,
  type Read,
  text,
} from './shape-reader.ts'

interface Services {
  iam: Iam
  addDatabaseUser: (user: DatabaseUser, instance: string | undefined) => Promise<void>
  setIamAuthentication: (enabled: boolean, instance: string | undefined) => void
}

/** The option `iam` of `startEmulator()`, but that JSON has `null` for no limit. */
interface IamSettings {
  principals?: readonly Principal[] | undefined
  apiDisabled?: boolean | undefined
  quotaPerMinute?: number | null | undefined
}

interface InstanceFlags {
  instance?: string | undefined
  iamAuthentication: boolean
}

const email: Read<string> = (value, name) =>
  typeof value === 'string' && (/^[^@\s]+@[^@\s]+$/.test(value) || isFederated(value))
    ? value
    : fail(name, value, 'an e-mail address, or "principal://iam.googleapis.com/…/subject/<NAME>"')

const limit = number(0, 'a whole number')
const settings = object<IamSettings>({
  principals: list(object<Principal>({ email, roles: list(oneOf(...ROLE_NAMES)) }, ['email'])),
  apiDisabled: flag,
  quotaPerMinute: (value, name) => (value === null ? null : limit(value, name)),
})

const ofUser: Fields<{ roles?: readonly string[]; instance?: string }> = { roles: list(text), instance }
const iamUser = object<IamUser & { instance?: string }>({ email, ...ofUser }, ['email'])
const passwordUser = object<PasswordUser & { instance?: string }>({ name: text, password: text, ...ofUser }, [
  'name',
  'password',
])
const flags = object<InstanceFlags>({ instance, iamAuthentication: flag }, ['iamAuthentication'])

/** What JavaScript does with `emulator.iam` and with database users, for tests in other languages. */
export function iamRoutes({ iam, addDatabaseUser, setIamAuthentication }: Services): Route[] {
  const describe = (): unknown => ({
    principals: iam.principals.map((principal) => ({ email: principal, roles: iam.rolesOf(principal) })),
    apiDisabled: iam.apiDisabled,
    quotaPerMinute: iam.quotaPerMinute ?? null,
  })
  return [
    emulatorRoute('GET', /^\/emulator\/iam$/, () => ({ body: describe() })),
    emulatorRoute('POST', /^\/emulator\/iam$/, async (request) => {
      await actOnJson(request, (given) => applyTo(iam, settings(given, 'The IAM setting')))
      return { body: describe() }
    }),
    emulatorRoute('DELETE', /^\/emulator\/iam\/(.+)$/, ({ params }) => {
      const principal = params[0]!
      if (!iam.has(principal)) throw unknownPrincipal(principal)
      iam.remove(principal)
      return { body: describe() }
    }),
    emulatorRoute('POST', /^\/emulator\/database-users$/, async (request) => {
      const user = await actOnJson(request, async (given) => {
        const read = 'email' in given ? iamUser : passwordUser
        const { instance: where, ...rest } = read(given, 'The database user')
        await addDatabaseUser(rest, where)
        return rest
      })
      const { password: _, ...shown } = { password: undefined, ...user }
      return { status: 201, body: shown }
    }),
    emulatorRoute('POST', /^\/emulator\/instance-flags$/, async (request) => ({
      body: await actOnJson(request, (given) => {
        const read = flags(given, 'The setting of flags')
        setIamAuthentication(read.iamAuthentication, read.instance)
        return read
      }),
    })),
  ]
}

/** Sets what is given, and leaves the rest as it is. */
function applyTo(iam: Iam, { principals = [], apiDisabled, quotaPerMinute }: IamSettings): void {
  for (const { email: principal, roles } of principals) iam.setRoles(principal, roles)
  if (apiDisabled !== undefined) iam.apiDisabled = apiDisabled
  if (quotaPerMinute !== undefined) iam.quotaPerMinute = quotaPerMinute ?? undefined
}

export function unknownPrincipal(principal: string): GoogleError {
  return new GoogleError(
    'NOT_FOUND',
    `There is no principal "${principal}".\nGET /emulator/iam lists those there are; POST /emulator/iam makes one.`,
  )
}
