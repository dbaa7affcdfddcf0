import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { glide, type Place } from './glide.ts'
import { sendLatest } from './send-latest.ts'
import './styles.css'

const perSecond = 20
const board = decodeURIComponent(location.hash.slice(1)) || 'main'
const animals = ['Otter', 'Heron', 'Badger', 'Lynx', 'Marten', 'Plover', 'Vole', 'Kestrel']
const name = animals[Math.floor(Math.random() * animals.length)] ?? 'Otter'
const hue = Math.floor(Math.random() * 360)

const connection = createConnection({
  url: async () => ((await (await fetch('/line.json', { cache: 'no-store' })).json()) as { readonly url: string }).url,
})
const client = createClient<AppRouter>({ connection })

/** A person's pointer on the page: where it is shown, and where it was last reported. */
interface Pointer {
  readonly element: HTMLElement
  shown?: Place
  target?: Place
}
const pointers = new Map<string, Pointer>()
const area = document.querySelector('main') as HTMLElement
const people = document.querySelector('ul') as HTMLElement
const status = document.querySelector('[role=status]') as HTMLElement

connection.subscribe(({ status: text }) => {
  status.textContent = text === 'open' ? 'Live' : text === 'reconnecting' ? 'Reconnecting…' : 'Connecting…'
  status.dataset['status'] = text
})

const me = await client.me.query()
client.people.subscribe(
  { board, name, hue },
  {
    onData({ data }) {
      if (data.type === 'here') {
        const here = new Set(data.members.map(({ member }) => member))
        for (const member of [...pointers.keys()]) if (!here.has(member)) remove(member)
        for (const { member, data: person } of data.members) add(member, person)
      } else if (data.type === 'leave') remove(data.member)
      else add(data.member, data.data)
      people.replaceChildren(...[...pointers.values()].map(({ element }) => copyLabel(element)))
    },
    onError: ({ message }) => {
      status.textContent = message
    },
  },
)
client.pointers.subscribe(
  { board },
  {
    onData({ member, x, y }) {
      const pointer = pointers.get(member)
      if (pointer !== undefined && member !== me) pointer.target = { x, y }
    },
  },
)

const move = sendLatest<Place>(1_000 / perSecond, (place) =>
  client.move.mutate({ board, ...place }, { timeoutMs: 1_000 }),
)
area.addEventListener('pointermove', ({ clientX, clientY }) => {
  const { left, top, width, height } = area.getBoundingClientRect()
  move({ x: within((clientX - left) / width), y: within((clientY - top) / height) })
})

function add(member: string, person: { readonly name: string; readonly hue: number }): void {
  if (pointers.has(member)) return
  const element = document.createElement('div')
  element.className = 'pointer'
  element.style.setProperty('--hue', String(person.hue))
  element.textContent = person.name
  pointers.set(member, { element })
}

function remove(member: string): void {
  pointers.get(member)?.element.remove()
  pointers.delete(member)
}

function copyLabel(element: HTMLElement): HTMLElement {
  const item = document.createElement('li')
  item.style.cssText = element.style.cssText
  item.textContent = element.textContent
  return item
}

let drawnAt = performance.now()
requestAnimationFrame(function draw(now) {
  for (const pointer of pointers.values()) {
    const { element, target, shown = target } = pointer
    if (target === undefined || shown === undefined) continue
    if (!element.isConnected) area.append(element)
    pointer.shown = glide(shown, target, now - drawnAt)
    element.style.translate = `${pointer.shown.x * area.clientWidth}px ${pointer.shown.y * area.clientHeight}px`
  }
  drawnAt = now
  requestAnimationFrame(draw)
})

function within(part: number): number {
  return Math.min(1, Math.max(0, part))
}
