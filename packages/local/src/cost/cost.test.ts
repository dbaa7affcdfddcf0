import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { runTrunkline } from '../testing/command-line.suite.ts'
import { applicationDefaults, applicationWork } from './application.ts'
import { operationCounts } from './counts.ts'
import { formatQuote } from './format.ts'
import { lineUse, publishCount } from './line.ts'
import { type PriceName, prices, pusherPlans, usdOf } from './prices.ts'
import { services, totalOf } from './services.ts'
import { losses, unitRows } from './tables.ts'
import { idle, minutesInMonth, type Workload } from './workload.ts'

const service = (name: string) => {
  const found = services.find((each) => each.name === name)
  if (found === undefined) throw new Error(`Expected a service ${name}.`)
  return found
}
const month = (work: Partial<Workload>): Workload => ({ ...idle, ...work })

async function printed(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await runTrunkline(['cost', ...args])
  expect([code, err]).toEqual([0, ''])
  return out
}

describe('the price table', () => {
  it('has an address and a date for each price', () => {
    for (const { source, read } of Object.values(prices)) {
      expect(source).toMatch(/^https:\/\//)
      expect(read).toMatch(/^20\d\d-\d\d-\d\d$/)
    }
  })

  it('has no sum of a price that was not found', () => {
    expect(() => usdOf('ablyUsers', 1)).toThrow('none was found')
  })

  test.each([
    // https://aws.amazon.com/iot-core/pricing/: 100,000 devices for 30 days, 975 million messages
    ['iotMinutes', 100_000 * minutesInMonth, 345.6],
    ['iotMessages', 975_000_000, 975],
    // https://aws.amazon.com/api-gateway/pricing/: a connection for 30 days
    ['connectionMinutes', minutesInMonth, 0.0108],
    // Cloudflare's example 4: 552,960 GB-seconds beyond 400,000
    ['objectGbSeconds', 552_960 - 400_000, 1.912],
  ] as const)('prices %s as the vendor does in its own example', (name: PriceName, amount, usd) => {
    expect(usdOf(name, amount)).toBeCloseTo(usd, 3)
  })
})

describe('a line', () => {
  it('bills a call for its two messages, its run and nothing else', () => {
    const use = lineUse(month({ calls: 1_000 }))
    expect(use).toMatchObject({ messages: 2_000, requests: 1_000, readUnits: 0, writeUnits: 0, connectionMinutes: 0 })
    expect(use.gbSeconds).toBeCloseTo(1, 9) // 1,000 runs of 2 ms at 512 MB
  })

  it('bills a publish by its counts, also between two counted audiences', () => {
    expect(publishCount(10)).toEqual(operationCounts.publish10)
    expect(publishCount(50).messagesOut).toBe(51)
    expect(publishCount(5_055).messagesOut).toBeCloseTo(5_056, 6)
    expect(publishCount(20_000).messagesOut).toBeCloseTo(20_001, 6)
  })

  it('bills an idle client for its minutes, its keepalives and its new sockets', () => {
    const { messages, connectionMinutes, requests } = lineUse(month({ connectionMinutes: minutesInMonth, connects: 1 }))
    expect(connectionMinutes).toBe(43_200)
    const sockets = minutesInMonth / 107.5
    expect(messages).toBeCloseTo((minutesInMonth / 4.5) * 2 + sockets * 4, 6)
    expect(requests).toBeCloseTo(minutesInMonth / 4.5 + sockets * 5, 6)
  })
})

describe('another service', () => {
  it('bills a message in and each message out', () => {
    const work = month({ events: 1_000_000, audience: 10 })
    expect(service('AppSync Events').usage(work)).toBeCloseTo(11, 9)
    expect(service('IoT Core').usage(work)).toBeCloseTo(11, 9)
    expect(service('Ably').usage(work)).toBeCloseTo(27.5, 9)
  })

  test.each([
    [{ events: 1_000_000, audience: 2, peakSockets: 2 }, 49],
    [{ events: 1_000_000, audience: 100, peakSockets: 100 }, 99], // 3.4 million a day
    [{ peakSockets: 501 }, 99],
    [{ peakSockets: 30_001 }, 'not listed'],
  ])('on Pusher is the cheapest plan that takes %j', (work, quote) => {
    expect(service('Pusher').usage(month(work))).toEqual(quote)
  })

  it('on Fargate has more tasks for more sockets', () => {
    const [few, many] = [10_000, 100_000].map((peakSockets) =>
      totalOf(service('Fargate, Socket.IO'), month({ peakSockets })),
    )
    expect(few).toBeCloseTo(2 * 720 * (0.03238 + 2 * 0.00356) + 720 * 0.0225, 6)
    expect(Number(many) - Number(few)).toBeCloseTo(8 * 720 * (0.03238 + 2 * 0.00356), 6)
  })

  it('on Ably has no listed package above 50,000 connections', () => {
    expect(totalOf(service('Ably'), month({ peakSockets: 50_001 }))).toBe('not listed')
  })
})

describe('the tables', () => {
  it('have a quote of each service in each row', () => {
    for (const { quotes } of unitRows()) expect(Object.keys(quotes)).toEqual(services.map(({ name }) => name))
  })

  it('say of each row in which another service is cheaper that a line costs more', () => {
    const rows = unitRows()
    const lost = new Set(losses(rows).map(({ row }) => row))
    for (const { name, quotes } of rows) {
      const numbers = Object.values(quotes).filter((quote) => typeof quote === 'number')
      expect(lost.has(name)).toBe(Number(quotes['a line']) > Math.min(...numbers))
    }
  })

  test.each([
    [0, '$0'],
    [0.000001, '< $0.00001'],
    [0.0108, '$0.0108'],
    [0.2, '$0.20'],
    [2.5, '$2.50'],
    [10_061.4, '$10,061'],
    ['none', 'none'],
  ] as const)('show %s as %s', (quote, text) => expect(formatQuote(quote)).toBe(text))
})

describe('trunkline cost', () => {
  it('prints the units, an application, the assumptions and the prices', async () => {
    const text = await printed()
    for (const title of ['By unit', 'A whole application', 'Assumptions', 'Prices'])
      expect(text).toContain(`## ${title}`)
    for (const users of ['100 users', '10,000 users', '1,000,000 users']) expect(text).toContain(users)
  })

  it('prints the application alone with the numbers of its options', async () => {
    const text = await printed('--users', '500', '--messages', '0', '--answers', '0')
    expect(text).toMatch(/^500 users +\$/m)
    expect(text).toContain(' 0 messages, ')
    expect(text).not.toContain('## Prices')
  })

  it('prints JSON whose sums are those of the tables', async () => {
    const { units, applications } = JSON.parse(await printed('--json', '--users', '7'))
    expect(units).toEqual(JSON.parse(JSON.stringify(unitRows())))
    expect(applications).toHaveLength(1)
    expect(applications[0].work).toEqual(applicationWork({ users: 7, ...applicationDefaults }))
  })

  test.each([
    [['--users', '0'], 'Expected --users to be a whole number from 1'],
    [['--users', 'many'], 'Expected --users to be a whole number from 1'],
    [['--users', '9999999999'], 'Expected --users to be a whole number from 1 to 1000000000'],
    [['--room', '1.5'], 'Expected --room to be a whole number from 0'],
    [['--hours', '25'], 'Expected --hours to be a number from 0 to 24, got 25'],
    [['--hours', 'x'], 'Expected --hours to be a number from 0 to 24, got x'],
    [['--sockets', '1'], "Unknown option '--sockets'"],
    [['--user', '1'], '(Did you mean --users?)'],
  ])('refuses %j', async (args, message) => {
    expect(await runTrunkline(['cost', ...args])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(message),
    })
  })

  it('has nothing that could reach a network', () => {
    for (const file of readdirSync(new URL('.', import.meta.url)).filter((name) => !name.endsWith('.test.ts'))) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8')
      const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
      expect(imported.filter((name) => !name?.startsWith('./') && name !== 'node:util')).toEqual([])
      expect(text).not.toMatch(/\bfetch\(|\bimport\(/)
    }
  })

  it('lists the plans of Pusher from the cheapest', () => {
    expect([...pusherPlans].sort((a, b) => a.usd - b.usd)).toEqual(pusherPlans)
  })
})
