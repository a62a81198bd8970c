import { expect, test } from 'vitest'
import { proxyFetch } from '../../src/providers/proxy-fetch.ts'
import { chatServer, sendJson } from './fixtures/chat-server.ts'
import { proxyTo } from './fixtures/proxy-server.ts'

const url = new URL('http://model.test/v1/chat/completions')

test('plain http is forwarded by the proxy that the environment sets, with its user and password', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, { ok: true }))
  await using proxy = await proxyTo(server.port)

  const fetching = await proxyFetch(url, { HTTP_PROXY: `http://ada:pw@${proxy.host}` })
  const response = await fetching?.fetch(url.href, { method: 'POST', body: '{}' })

  expect(await response?.json()).toEqual({ ok: true })
  expect(fetching?.via).toBe(proxy.host)
  expect(proxy.seen).toEqual([`forward ${url.href}`])
  expect(proxy.credentials).toEqual([`Basic ${btoa('ada:pw')}`])
})

test('https goes through a tunnel', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, {}))
  await using proxy = await proxyTo(server.port)

  const fetching = await proxyFetch(new URL('https://model.test/v1'), { HTTPS_PROXY: proxy.host })
  // The server at the other end speaks no TLS: that the handshake reached it is what counts here.
  await expect(fetching?.fetch('https://model.test/v1')).rejects.toThrow('fetch failed')
  expect(proxy.seen).toEqual(['tunnel model.test:443'])
})

test('without a proxy, for loopback and for NO_PROXY there is none, and undici is not loaded', async () => {
  const unused = (): never => {
    throw new Error('undici was loaded')
  }
  const loopback = new URL('http://127.0.0.1/')
  expect(await proxyFetch(url, {}, unused)).toBeUndefined()
  expect(
    await proxyFetch(url, { HTTP_PROXY: 'http://p.test', NO_PROXY: 'model.test' }, unused),
  ).toBeUndefined()
  expect(await proxyFetch(loopback, { HTTP_PROXY: 'http://p.test' }, unused)).toBeUndefined()
})

test('a proxy without undici is an error that says what to do, and no password', async () => {
  const missing = (): Promise<never> => Promise.reject(new Error("Cannot find package 'undici'"))
  await expect(proxyFetch(url, { HTTP_PROXY: 'http://ada:pw@p.test:3128' }, missing)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message:
      "The environment sets the proxy p.test:3128, which Node's fetch does not use. Run npm install undici, or unset the proxy, or add model.test to NO_PROXY.",
  })
})

test('a proxy of another kind is refused', async () => {
  await expect(proxyFetch(url, { ALL_PROXY: 'socks5://p.test:1080' })).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: expect.stringContaining('socks5:// proxy is set, which is not supported'),
  })
})
