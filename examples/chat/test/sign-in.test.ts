import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, say, setStage, textsOn } from './stage.ts'

const patience = { timeout: 60_000 }
const lifetimeSeconds = 20 // the client renews after 14 to 18 s

let stage: Stage
beforeAll(async () => {
  stage = await setStage({ lifetimeSeconds })
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

const notSent = (text: string) => `.message[data-state=failed]:has-text("${text}")`

describe('a signed-in person', () => {
  it('stays connected while tokens end and new ones are fetched, and nothing on the page shows it', async () => {
    const ann = await stage.open({ room: 'renewed', name: 'ann' })
    const seen = await ann.evaluateHandle(() => {
      const states: (string | undefined)[] = []
      const badge = document.querySelector<HTMLElement>('.badge')
      new MutationObserver(() => states.push(badge?.dataset['status'])).observe(document.body, {
        subtree: true,
        attributes: true,
        attributeFilter: ['data-status'],
      })
      return states
    })
    await expect.poll(() => stage.issuer.issuedTo('ann'), patience).toBeGreaterThanOrEqual(3)
    await say(ann, 'still here')
    await expect.poll(() => textsOn(ann), patience).toEqual(['still here'])
    expect(await seen.jsonValue()).toEqual([])
  }, 90_000)

  it('is refused with the reason when the line does not accept the name', async () => {
    const reader = await stage.open({ room: 'read', name: null })
    await reader.evaluate(() => localStorage.setItem('trunkline-chat.name', 'bot'))
    await reader.reload()
    await reader.getByText('Disconnected: A name has 1 to 40 visible characters.').waitFor()
  })
})

it('the issuer signs in by a name, and changes rights for a moderator only', async () => {
  const ask = async (path: string, body: URLSearchParams | string, token = 'none') => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${stage.issuer.url}/${path}`, { method: 'POST', headers, body })
    return { status: response.status, body: await response.text() }
  }
  const tokenOf = async (username: string) =>
    JSON.parse((await ask('token', new URLSearchParams({ username }))).body).access_token as string
  const change = JSON.stringify({ name: 'zoe', room: 'x', lost: true })
  expect((await ask('token', new URLSearchParams())).status).toBe(400)
  expect((await ask('rights', '{"name":1}', await tokenOf('mod'))).status).toBe(400)
  expect((await ask('rights', change)).status).toBe(403)
  expect((await ask('rights', change, await tokenOf('zoe'))).status).toBe(403)
  expect((await ask('rights', change, await tokenOf('mod'))).status).toBe(204)
  expect((await ask('constructor', '')).status).toBe(404)
  const [, payload = ''] = (await tokenOf('zoe')).split('.')
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
    ...{ sub: 'user:zoe', name: 'zoe', aud: 'chat', roles: [], lost_rooms: ['x'], iss: stage.issuer.url },
  })
})

describe('a moderator', () => {
  it('mutes and unmutes somebody in one room by commands, which are not posted', async () => {
    const [mod, ann] = [
      await stage.open({ room: 'muted', name: 'mod' }),
      await stage.open({ room: 'muted', name: 'ann' }),
    ]
    await say(mod, '/mute ann')
    await mod.getByText('ann is muted here for 10 minutes.').waitFor()
    await say(ann, 'may I')
    await ann.getByText('Not sent: a moderator has muted you in #muted for 10 more minutes').waitFor()
    await say(mod, '/unmute ann')
    await mod.getByText('ann may write here again.').waitFor()
    await ann.locator(notSent('may I')).getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => textsOn(mod), patience).toEqual(['may I'])
  })

  it('ends the visit of somebody, whose page says why and who may come back after a minute', async () => {
    const [mod, ann] = [
      await stage.open({ room: 'kicked', name: 'mod' }),
      await stage.open({ room: 'kicked', name: 'ann' }),
    ]
    await say(mod, '/kick ann')
    await mod.getByText('ann is disconnected for a minute.').waitFor()
    await ann.getByText('Disconnected: A moderator ended your visit. Come back in a minute.').waitFor()
    await ann.getByRole('button', { name: 'Connect again' }).click()
    await ann.getByText('Disconnected: A moderator ended your visit. Come back in a minute.').waitFor()
    await say(mod, '/kick nobody')
    await mod.getByText('nobody is not connected.').waitFor()
    await stage.local.clock.advance('61s')
    await ann.getByRole('button', { name: 'Connect again' }).click()
    await ann.locator('.badge[data-status=open]').waitFor(patience)
    await say(ann, 'I am back')
    await expect.poll(() => textsOn(mod), patience).toEqual(['I am back'])
  })

  it('is the only one whose commands work', async () => {
    const [ann, bob] = [
      await stage.open({ room: 'plain', name: 'ann' }),
      await stage.open({ room: 'plain', name: 'bob' }),
    ]
    await say(ann, '/mute bob')
    await ann.getByText('Not changed: only a moderator may do that.').waitFor()
    await say(ann, '/kick bob')
    await ann.getByText('Not changed: only a moderator may do that.').waitFor()
    await say(ann, '/remove bob')
    await ann.getByText('Not changed: only a moderator may do that.').waitFor()
    await say(bob, 'hello')
    await expect.poll(() => textsOn(ann), patience).toEqual(['hello'])
  })

  it('takes a room from somebody: it ends there with the next token, goes on elsewhere, and comes back', async () => {
    const [mod, ann] = [
      await stage.open({ room: 'taken', name: 'mod' }),
      await stage.open({ room: 'taken', name: 'ann' }),
    ]
    await say(ann, 'before')
    await expect.poll(() => textsOn(mod), patience).toEqual(['before'])
    await say(mod, '/remove ann')
    await mod.getByText('ann leaves #taken with the next token.').waitFor()
    await ann.getByText('This room is not followed any more: you are not a member of #taken any more').waitFor(patience)
    await mod.getByText('1 here').first().waitFor({ state: 'attached' })
    await say(mod, 'she does not see this')
    // Until the token of before ends, a call still has its claims.
    const refused = ann.getByText('Not sent: you are not a member of #taken any more').first()
    const refusedOnce = async () => {
      await say(ann, 'nor do you this')
      await ann.waitForTimeout(1_000)
      return refused.isVisible()
    }
    await expect.poll(refusedOnce, patience).toBe(true)
    expect(await textsOn(ann)).not.toContain('she does not see this')
    await ann.evaluate(() => {
      location.hash = '#elsewhere'
    })
    await say(ann, 'I am still here')
    await expect.poll(() => textsOn(ann), patience).toEqual(['I am still here'])

    await say(mod, '/restore ann')
    await mod.getByText('ann may come back to #taken with the next token.').waitFor()
    const issued = stage.issuer.issuedTo('ann')
    await expect.poll(() => stage.issuer.issuedTo('ann'), patience).toBeGreaterThan(issued)
    await ann.evaluate(() => {
      location.hash = '#taken'
    })
    const followedTexts = async () => {
      const again = ann.getByRole('button', { name: 'Follow again' }) // the line may not have the new token yet
      if (await again.isVisible()) await again.click()
      return textsOn(ann)
    }
    await expect.poll(followedTexts, { ...patience, interval: 1_000 }).toContain('she does not see this')
  }, 120_000)
})
