import { runInNewContext } from 'node:vm'
import { lineTemplate, resolveParameters } from '@trunkline/deploy'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Distribution } from './page-server.ts'
import { type Stage, say, setStage, textsOn } from './stage.ts'

const patience = { timeout: 20_000 }

/** The headers and the function of the distribution that the template deploys, with the addresses of a local line. */
function deployedBy(addresses: () => { readonly url: string; readonly issuer: string }): Distribution {
  const resources = () => {
    const { url, issuer } = addresses()
    const options = { service: 'chat', stage: 'dev', handler: 'lambda', site: { connectTo: [issuer] } }
    const { Resources } = resolveParameters(lineTemplate(options), { CodeBucket: 'code', CodeKey: 'chat.zip' })
    const text = (value: unknown): string => {
      const { 'Fn::Join': join, 'Fn::Sub': sub } = value as Readonly<Record<string, unknown>>
      if (Array.isArray(join)) return (join[1] as unknown[]).map(text).join(String(join[0]))
      // `wss://<api>…/dev` is the line, and without the stage its origin
      return sub === undefined ? String(value) : String(sub).endsWith('/dev') ? url : new URL(url).origin
    }
    return { Resources, text }
  }
  return {
    headers() {
      const { Resources, text } = resources()
      const config = Resources['SiteHeaders']?.Properties['ResponseHeadersPolicyConfig'] as {
        readonly SecurityHeadersConfig: { readonly ContentSecurityPolicy: { readonly ContentSecurityPolicy: unknown } }
      }
      const policy = text(config.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy)
      return { 'content-security-policy': policy, 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' }
    },
    onRequest(path) {
      const { Resources, text } = resources()
      const code = text(Resources['SitePages']?.Properties['FunctionCode'])
      const event = JSON.stringify({ request: { uri: path } })
      const answer = JSON.parse(String(runInNewContext(`${code}; JSON.stringify(handler(${event}))`)))
      return answer.body === undefined ? answer : { body: answer.body.data }
    },
  }
}

let stage: Stage
beforeAll(async () => {
  stage = await setStage({ distribution: deployedBy })
})
afterAll(() => stage[Symbol.asyncDispose]())

it('the page finds the line by line.json, signs in and writes under the policy of its distribution', async () => {
  const page = await stage.open({ room: 'deployed', name: 'ann' })
  await say(page, 'from the bucket')
  await expect.poll(() => textsOn(page), patience).toEqual(['from the bucket'])
})

it('the policy stops requests to other addresses, and the page breaks no rule of it by itself', async () => {
  const page = await stage.open({ room: 'policy', name: null })
  const broken: string[] = []
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) broken.push(message.text())
  })
  await page.reload()
  await page.getByRole('button', { name: 'Just read along' }).click()
  await page.locator('.badge[data-status=open]').waitFor()
  expect(broken).toEqual([])
  expect(await page.evaluate(() => fetch('http://127.0.0.1:9/').catch(() => 'stopped'))).toBe('stopped')
  await expect.poll(() => broken.length, patience).toBeGreaterThan(0)
})

it('any path without an extension is the page', async () => {
  const response = await fetch(`${stage.origin}/rooms/blue`)
  expect(await response.text()).toContain('<title>Chat</title>')
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect((await fetch(`${stage.origin}/absent.js`)).status).toBe(404)
})
