// More than 200 lines: most of it is tables of origins.
import { initTRPC } from '@trpc/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Origins, parseOrigins } from './authorize/origins.ts'
import { createLambdaHandlers } from './handlers.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const router = initTRPC.create().router({})
const allows = (origins: Origins, sent: string) => parseOrigins(origins, '`origins`')(sent, () => {})

/** What `authorizer` says of a page. */
async function handshake(options: { readonly origins?: Origins }, origin: string) {
  const { authorizer } = createLambdaHandlers({ router, ...options })
  const answer = await authorizer(
    {
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:eu-west-1:1:api/dev/$connect',
      headers: { Origin: origin },
      requestContext: { connectionId: 'c1', routeKey: '$connect', eventType: 'CONNECT' },
    },
    {},
  )
  return JSON.stringify(answer).includes('"Allow"') ? 'allowed' : 'refused'
}

const good = [
  'https://app.example',
  'http://localhost:5173',
  'http://127.0.0.1:8080',
  'http://[::1]:3000',
  'https://xn--bcher-kva.example',
  'http://tauri.localhost',
  'capacitor://localhost',
  'ionic://localhost',
  'tauri://localhost',
  'app://-',
  'app://obsidian.md',
  'vscode-webview://1a2b3c',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://0d2a1ab8-3b7e-4f4e-9d2a-7f3a9c5e1b2c',
  'safari-web-extension://D7C8AAB4-A1B4-4A32-9C52-B8B9C1E20D0B',
  'com.example.app://localhost:3000',
]
const bad: readonly [string, string][] = [
  ['*', 'It would let every page connect.'],
  ['null', 'Sandboxed pages and local files of anybody send it.'],
  ['', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['app.example', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['https://app.example/', 'Use https://app.example.'],
  ['https://app.example/chat', 'Use https://app.example.'],
  ['https://app.example?x=1', 'Use https://app.example.'],
  ['https://app.example#x', 'Use https://app.example.'],
  ['https://user@app.example', 'Use https://app.example.'],
  ['https://APP.example', 'Use https://app.example.'],
  ['HTTPS://app.example', 'Use https://app.example.'],
  ['https://app.example:443', 'Use https://app.example.'],
  ['http://app.example:80', 'Use http://app.example.'],
  ['https://bücher.example', 'Use https://xn--bcher-kva.example.'],
  ['http://[0:0:0:0:0:0:0:1]:3000', 'Use http://[::1]:3000.'],
  ['http://[::1', 'Use https:// and the host of the page.'],
  ['https://app.example:99999', 'Use https:// and the host of the page.'],
  ['wss://app.example', 'Use the address of the page, which begins with https:// or http://.'],
  ['ws://localhost:3000', 'Use the address of the page, which begins with https:// or http://.'],
  ['file://', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['file://host', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['data:text/html,x', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['capacitor://', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['capacitor://localhost/', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['capacitor:localhost', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['Capacitor://localhost', 'Use a scheme in lower case, :// and a host, without a path.'],
  [' https://app.example', 'Use a scheme in lower case, :// and a host, without a path.'],
  ['https://*', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://*.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://app.*.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://example.*', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://*example.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://app-*.example.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://*.*.example.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://**.example.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['*://app.example.com', 'In a pattern, * is one whole label and needs two labels after it'],
  ['https://app.example.com:*', 'In a pattern, * is one whole label and needs two labels after it'],
  ['chrome-extension://*', 'In a pattern, * is one whole label and needs two labels after it'],
  ['http://192.168.1.*', 'In a pattern, * is one whole label and needs two labels after it'],
  ['http://*.168.1.1', 'Use https:// and the host of the page.'],
  ['https://*.example.com/', 'Use https://*.example.com.'],
  ['https://*.EXAMPLE.com', 'Use https://*.example.com.'],
  ['https://*.example.com:443', 'Use https://*.example.com.'],
  ['https://*.bücher.example', 'Use https://*.xn--bcher-kva.example.'],
]

describe('An origin that browsers, web views or extensions send', () => {
  test.each(good)('%s may be in `origins`, and allows its own page [TL-HS-4]', async (origin) => {
    expect(await handshake({ origins: [origin] }, origin)).toBe('allowed')
    expect(await handshake({ origins: [origin] }, 'https://other.example')).toBe('refused')
  })
  test.each(good)('%s may be in TRUNKLINE_ORIGINS, and allows its own page [TL-HS-4]', async (origin) => {
    vi.stubEnv('TRUNKLINE_ORIGINS', ` https://first.example, ${origin} ,`)
    expect(await handshake({}, origin)).toBe('allowed')
    expect(await handshake({}, 'https://other.example')).toBe('refused')
  })
})

describe('An origin that no browser sends, or that allows pages of anyone', () => {
  test.each(bad)(
    '%j in `origins` is refused when the handlers are created, with what to write instead',
    (origin, advice) => {
      const make = () => createLambdaHandlers({ router, origins: [origin] })
      expect(make).toThrow(TypeError)
      expect(make).toThrow(advice)
      expect(make).toThrow(
        `Expected an origin as browsers send it in \`origins\`, such as https://app.example, got ${JSON.stringify(origin)}. `,
      )
    },
  )
  // an empty entry of the list, and space around one, are no mistakes
  test.each(bad.filter(([origin]) => origin !== '' && origin.trim() === origin && !origin.includes(',')))(
    '%j in TRUNKLINE_ORIGINS is refused when the handlers are made, by the same check',
    (origin, advice) => {
      vi.stubEnv('TRUNKLINE_ORIGINS', `https://app.example,${origin}`)
      const make = () => createLambdaHandlers({ router })
      expect(make).toThrow(advice)
      expect(make).toThrow(`in TRUNKLINE_ORIGINS, such as https://app.example, got ${JSON.stringify(origin)}. `)
    },
  )
  test('is refused at the handshake when the variable got it later', async () => {
    const { authorizer } = createLambdaHandlers({ router })
    vi.stubEnv('TRUNKLINE_ORIGINS', '*')
    const event = { type: 'REQUEST', methodArn: 'a', requestContext: { connectionId: 'c', eventType: 'CONNECT' } }
    await expect(authorizer(event, {})).rejects.toThrow('It would let every page connect.')
  })
  test.each([
    ['https://app.example', 'Expected an array of origins or a function in `origins`, got "https://app.example".'],
    [{}, 'Expected an array of origins or a function in `origins`, got [object Object].'],
    [[undefined], 'got undefined. Use a string or a function.'],
    [[5], 'got 5. Use a string or a function.'],
  ])('is refused with an explanation when it is not text: %j', (origins, words) => {
    expect(() => createLambdaHandlers({ router, origins: origins as never })).toThrow(words)
  })
})

describe('A pattern', () => {
  test.each([
    ['https://a.example.com', true],
    ['https://pr-17.example.com', true],
    ['https://xn--bcher-kva.example.com', true],
    ['https://example.com', false],
    ['https://.example.com', false],
    ['https://a.b.example.com', false],
    ['https://a.example.com:8443', false],
    ['http://a.example.com', false],
    ['https://a.example.com.evil.example', false],
    ['https://evil.example/.example.com', false],
    ['https://evil.example#.example.com', false],
    ['https://evil.example?.example.com', false],
    ['https://user@.example.com', false],
    ['https://a:1.example.com', false],
    ['https://A.example.com', false],
    ['https://aexample.com', false],
    ['https://*.example.com', false],
    ['null', false],
    ['', false],
    [`https://${'a'.repeat(64)}.example.com`, false],
  ])('https://*.example.com: %s is allowed: %s', async (sent, allowed) => {
    expect(await allows(['https://*.example.com'], sent)).toBe(allowed)
    expect(await handshake({ origins: ['https://*.example.com'] }, sent)).toBe(allowed ? 'allowed' : 'refused')
  })
  test('may have its * within the host, and a port', async () => {
    const origins = ['https://app.*.preview.example:8443']
    expect(await allows(origins, 'https://app.pr-1.preview.example:8443')).toBe(true)
    expect(await allows(origins, 'https://app.pr-1.preview.example')).toBe(false)
    expect(await allows(origins, 'https://app.pr-1.x.preview.example:8443')).toBe(false)
  })
})

describe('A function', () => {
  const isPreview = (origin: string) => /^https:\/\/app-[a-z0-9]+-team\.vercel\.app$/.test(origin)

  test('decides, alone or among others, synchronously or by a promise', async () => {
    const sent = 'https://app-x1-team.vercel.app'
    for (const origins of [isPreview, [isPreview], ['https://app.example', async (o: string) => isPreview(o)]])
      expect([await handshake({ origins }, sent), await handshake({ origins }, 'https://evil.example')]).toEqual([
        'allowed',
        'refused',
      ])
  })
  test('is also called for null', async () => {
    expect(await handshake({ origins: (origin) => origin === 'null' }, 'null')).toBe('allowed')
  })
  test('allows an origin only by returning true', async () => {
    for (const value of ['yes', 1, {}, undefined, null])
      expect(await handshake({ origins: () => value as never }, 'https://app.example')).toBe('refused')
  })
  test.each([
    [
      'throws',
      () => {
        throw new Error('no list')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('no list')
      },
    ],
  ])('that %s refuses the page, and the log says so', async (_, origins) => {
    const lines: string[] = []
    for (const level of ['log', 'info', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)))
    expect(await handshake({ origins }, 'https://app.example')).toBe('refused')
    expect(lines.join('\n')).toContain('`origins` threw.')
    expect(lines.join('\n')).toContain('no list')
  })
  test('that throws leaves the decision to the others', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const fails = () => {
      throw new Error('no list')
    }
    expect(await allows([fails, 'https://app.example'], 'https://app.example')).toBe(true)
  })
})
