// Type-checked; never run.
import { GoogleAuth, JWT, OAuth2Client } from 'google-auth-library'
import { GoogleAuth as GoogleAuth9, JWT as JWT9, OAuth2Client as OAuth2Client9 } from 'google-auth-library-9'
import {
  GoogleAuth as GoogleAuth10,
  JWT as JWT10,
  OAuth2Client as OAuth2Client10,
} from 'google-auth-library-10'
import { Connector } from '../src/index.ts'

for (const auth of [new GoogleAuth(), new JWT(), new OAuth2Client()]) new Connector({ auth })
for (const auth of [new GoogleAuth10(), new JWT10(), new OAuth2Client10()]) new Connector({ auth })
for (const auth of [new GoogleAuth9(), new JWT9(), new OAuth2Client9()])
  new Connector({ auth, loginAuth: auth })

// @ts-expect-error: options of a GoogleAuth are none
new Connector({ auth: { keyFile: 'key.json' } })
// @ts-expect-error: nor is a token
new Connector({ auth: 'ya29.token' })
