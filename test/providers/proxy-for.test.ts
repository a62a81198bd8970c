import { expect, test } from 'vitest'
import { proxyFor, type ProxyEnvironment } from '../../src/providers/proxy-for.ts'

const proxy = 'http://proxy.test:3128/'

function through(url: string, env: ProxyEnvironment): string | undefined {
  return proxyFor(new URL(url), env)?.href
}

test('the variable of the protocol counts, in either case, else ALL_PROXY', () => {
  expect(through('https://a.test/v1', { HTTPS_PROXY: proxy })).toBe(proxy)
  expect(through('https://a.test/v1', { https_proxy: proxy, HTTPS_PROXY: 'http://other.test' })).toBe(proxy)
  expect(through('http://a.test/v1', { HTTP_PROXY: proxy })).toBe(proxy)
  expect(through('http://a.test/v1', { HTTPS_PROXY: proxy })).toBeUndefined()
  expect(through('https://a.test/v1', { HTTP_PROXY: proxy })).toBeUndefined()
  expect(through('http://a.test/v1', { all_proxy: proxy })).toBe(proxy)
  expect(through('https://a.test/v1', {})).toBeUndefined()
  expect(through('https://a.test/v1', { HTTPS_PROXY: ' ' })).toBeUndefined()
})

test('a proxy without a protocol is an http one', () => {
  expect(through('https://a.test/v1', { HTTPS_PROXY: 'proxy.test:3128' })).toBe(proxy)
})

test('loopback hosts are never proxied', () => {
  for (const host of ['localhost', 'app.localhost', '127.0.0.1', '127.9.8.7', '[::1]']) {
    expect(through(`http://${host}:8000/v1`, { HTTP_PROXY: proxy })).toBeUndefined()
  }
  expect(through('http://127.example.test/v1', { HTTP_PROXY: proxy })).toBe(proxy)
})

test('NO_PROXY excepts hosts, what is below them, and ports', () => {
  const excepted = (url: string, exceptions: string): boolean =>
    through(url, { ALL_PROXY: proxy, no_proxy: exceptions }) === undefined
  expect(excepted('https://a.test', 'x.test, a.test')).toBe(true)
  expect(excepted('https://A.test', 'a.TEST')).toBe(true)
  expect(excepted('https://b.a.test', 'a.test')).toBe(true)
  expect(excepted('https://b.a.test', '.a.test')).toBe(true)
  expect(excepted('https://b.a.test', '*.a.test')).toBe(true)
  expect(excepted('https://ba.test', 'a.test')).toBe(false)
  expect(excepted('https://a.test', '*')).toBe(true)
  expect(excepted('https://a.test', 'a.test:443')).toBe(true)
  expect(excepted('https://a.test', 'a.test:8443')).toBe(false)
  expect(excepted('http://a.test:8000', 'a.test:8000')).toBe(true)
  expect(excepted('http://10.0.0.1', '10.0.0.1')).toBe(true)
  expect(excepted('http://[fd00::1]', 'fd00::1')).toBe(true)
  expect(excepted('http://[fd00::1]:80', '[fd00::1]:80')).toBe(true)
  expect(excepted('https://a.test', ' , ')).toBe(false)
})

test('a proxy that is no URL is refused without being shown, unless the host is excepted', () => {
  for (const setting of ['http://ada:pw@proxy.corp:99999', 'http://', 'http://pro xy']) {
    expect(() => through('https://a.test/v1', { HTTPS_PROXY: setting }), setting).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNAVAILABLE',
        message: expect.stringMatching(/^The proxy in HTTPS_PROXY is no URL\. (?!.*pw).*a\.test to NO_PROXY/),
      }),
    )
    expect(through('https://a.test/v1', { HTTPS_PROXY: setting, NO_PROXY: 'a.test' })).toBeUndefined()
  }
  expect(() => through('https://a.test/v1', { ALL_PROXY: 'http://p:99999' })).toThrow(
    /in ALL_PROXY is no URL/,
  )
})
