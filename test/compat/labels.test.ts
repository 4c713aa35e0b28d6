import { expect, it } from 'vitest'
import { COMPAT_APIS } from '../../src/compat/compat-apis.ts'
import { startTestGateway } from '../support/gateway.ts'

const TOKEN = 'x'.repeat(64)

it('the metrics count requests to the compatibility APIs by the pattern of their route', async () => {
  const apps = [{ id: 'forum', name: 'The forum' }]
  const gateway = await startTestGateway([], { apps, compat: COMPAT_APIS, insecureCompat: true })
  const requests = [
    ['GET', '/ping', '/ping GET 200'],
    ['PUT', '/forum/create/user1?ip=10.0.0.1', '/:app/create/:id PUT 200'],
    ['PUT', '/nosuch/create/user1?ip=10.0.0.1', '/:app/create/:id PUT 404'],
    ['GET', `/forum/get/${TOKEN}`, '/:app/get/:token GET 200'],
    ['HEAD', `/forum/get/${TOKEN}`, '/:app/get/:token HEAD 200'],
    ['POST', `/forum/set/${TOKEN}`, '/:app/set/:token POST 400'],
    ['POST', `/nosuch/set/${TOKEN}`, '/:app/set/:token POST 404'],
    ['GET', '/forum/activity?dt=60', '/:app/activity GET 200'],
    ['GET', '/forum/soapp?dt=60', '/:app/soapp GET 200'],
    ['GET', '/forum/soid/user1', '/:app/soid/:id GET 200'],
    ['DELETE', `/forum/kill/${TOKEN}`, '/:app/kill/:token DELETE 200'],
    ['DELETE', '/forum/killsoid/user1', '/:app/killsoid/:id DELETE 200'],
    ['DELETE', '/forum/killall', '/:app/killall DELETE 200'],
    ['GET', '/sessman/new', '/sessman/new GET 400'],
    ['POST', '/sessman/new?user=nicci', '/sessman/new POST 200'],
    ['GET', '/sessman/update', '/sessman/update GET 400'],
    ['POST', '/sessman/update?session_id=x&data=x', '/sessman/update POST 404'],
    ['GET', '/sessman/get?session_id=x', '/sessman/get GET 404'],
    ['POST', '/sessman/get', '/sessman/get POST 400'],
    ['GET', '/sessman/activity', '/sessman/* GET 400'],
    ['POST', '/sessman/delete/x', '/sessman/* POST 400'],
    ['PUT', '/sessman/new', 'other PUT 405'],
    ['GET', '/add_session.cgi?service=forum;user_id=user1', '/add_session.cgi GET 200'],
    ['POST', '/add_session.cgi', '/add_session.cgi POST 400'],
    ['GET', '/validate.cgi', '/validate.cgi GET 400'],
    ['POST', '/validate.cgi', '/validate.cgi POST 400'],
    ['GET', '/expire_session.cgi', '/expire_session.cgi GET 400'],
    ['POST', '/expire_session.cgi?service=forum;user_id=user1', '/expire_session.cgi POST 200'],
  ] as const
  for (const [method, path] of requests) await gateway.send(method, path)
  const { text } = await gateway.send('GET', '/metrics')
  await gateway.close()
  const counted = [...text.matchAll(/^komgate_http_requests_total\{route="(.*)",method="(.*)",status="(.*)"\}/gm)]
  const labels = counted.map(([, ...values]) => values.join(' '))
  expect(new Set(labels)).toEqual(new Set(requests.map(([, , label]) => label)))
})
