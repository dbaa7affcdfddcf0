import { connectionState, describe } from './connection-state.ts'
import { create } from './dom.ts'

/** The title, the state of the connection, and what went wrong. */
export function createHead(title: string): { readonly elements: readonly Node[]; show(problem: string | null): void } {
  const badge = create('span', { className: 'badge', role: 'status' })
  const problemLine = create('p', { className: 'problem', role: 'alert' })
  connectionState.subscribe((state) => {
    const { tone, text } = describe(state)
    badge.dataset['tone'] = tone
    if (badge.textContent !== text) badge.textContent = text
  })
  return {
    elements: [create('header', { className: 'head' }, create('h1', {}, title), badge), problemLine],
    show(problem) {
      if (problemLine.textContent !== (problem ?? '')) problemLine.textContent = problem ?? ''
    },
  }
}
