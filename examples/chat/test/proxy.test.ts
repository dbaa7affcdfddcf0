import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OfficeProxy, startProxy } from './proxy.ts'
import { type Stage, say, setStage, textsOn } from './stage.ts'

const patience = { timeout: 20_000 }
const artefacts = join(import.meta.dirname, '../artefacts')
const slow = 'Slow connection: messages arrive within 15 seconds.'

let stage: Stage
let proxy: OfficeProxy
beforeAll(async () => {
  stage = await setStage({
    async proxy(line) {
      proxy = await startProxy(line)
      return proxy.addresses
    },
  })
  await mkdir(artefacts, { recursive: true })
})
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

const expectTexts = (page: Page, texts: readonly string[]) => expect.poll(() => textsOn(page), patience).toEqual(texts)
const expectBadge = (page: Page, text: string) =>
  expect.poll(() => page.locator('.badge').innerText(), patience).toBe(text)
const picture = (page: Page, name: string) => page.screenshot({ path: join(artefacts, `${name}.png`) })

describe('the chat behind a proxy that refuses upgrades', () => {
  it('works over HTTP, says so in plain words, and returns to the socket when it is allowed', async () => {
    proxy.blockSockets(true)
    const phone = { viewport: { width: 390, height: 780 }, colorScheme: 'dark' } as const
    const ann = await stage.open({ room: 'office', name: 'ann', movesClock: true })
    const bob = await stage.open({ room: 'office', name: 'bob', movesClock: true, ...phone })
    for (const page of [ann, bob]) await expectBadge(page, 'Slow connection')
    await ann.getByRole('status').getByText(slow).waitFor()
    expect([proxy.seen.refused > 0, proxy.seen.upgraded]).toEqual([true, 0])
    await say(ann, 'is anybody here?')
    await expectTexts(bob, ['is anybody here?'])
    await say(bob, 'yes, behind the same proxy')
    await expectTexts(ann, ['is anybody here?', 'yes, behind the same proxy'])
    await picture(ann, 'behind-a-proxy-light')
    await picture(bob, 'behind-a-proxy-phone-dark')
    await ann.emulateMedia({ colorScheme: 'dark' })
    await picture(ann, 'behind-a-proxy-dark')

    proxy.blockSockets(false)
    await ann.clock.fastForward(70_000) // a socket is tried again within a minute
    await expectBadge(ann, 'Connected')
    expect(proxy.seen.upgraded).toBe(1)
    expect(await ann.getByText(slow).count()).toBe(0)
    await say(bob, 'ann is quick again')
    await expectTexts(ann, ['is anybody here?', 'yes, behind the same proxy', 'ann is quick again'])
    await expectBadge(bob, 'Slow connection')
  })

  it('shows each message once while the proxy begins and stops to refuse upgrades', async () => {
    proxy.blockSockets(false)
    const ann = await stage.open({ room: 'changing', name: 'ann', movesClock: true })
    await expectBadge(ann, 'Connected')
    await say(ann, 'over the socket')
    await expectTexts(ann, ['over the socket'])
    proxy.blockSockets(true)
    await say(ann, 'while the socket is cut')
    await expectBadge(ann, 'Slow connection')
    await say(ann, 'over HTTP')
    await expectTexts(ann, ['over the socket', 'while the socket is cut', 'over HTTP'])
    proxy.blockSockets(false)
    await ann.clock.fastForward(80_000)
    await expectBadge(ann, 'Connected')
    await say(ann, 'over the next socket')
    await expectTexts(ann, ['over the socket', 'while the socket is cut', 'over HTTP', 'over the next socket'])
  })
})
