import type { Page } from 'playwright-core'

/**
 * Each of these runs in the page and resolves to milliseconds: from what a person does to the frame that shows its
 * result. They are texts, because they use the page's globals.
 */
const shown = 'const shown = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))'
const whenDone = `${shown}
  const until = async (isDone) => { while (!isDone()) await shown() }
  const loading = () => document.querySelectorAll('.space .row[data-loading]').length`

/** Scrolls to a part of the list's height, until its rows are there. */
export function measureScroll(page: Page, part: number): Promise<number> {
  return page.evaluate(`(async () => {
    ${whenDone}
    const list = document.querySelector('.grid')
    const top = Math.round((list.scrollHeight - list.clientHeight) * ${part})
    const startedAt = performance.now()
    list.scrollTop = top
    await shown()
    await until(() => loading() === 0)
    return performance.now() - startedAt
  })()`)
}

/** Enters a search, until its rows are there. */
export function measureFilter(page: Page, search: string): Promise<number> {
  return page.evaluate(`(async () => {
    ${whenDone}
    const [list, field] = [document.querySelector('.grid'), document.querySelector('.tools input')]
    const startedAt = performance.now()
    field.value = ${JSON.stringify(search)}
    field.dispatchEvent(new Event('input'))
    await until(() => !list.hasAttribute('aria-busy') && loading() === 0)
    await shown()
    return performance.now() - startedAt
  })()`)
}

/** Opens the row at a place of those that are seen, until its content is there. */
export function measureOpen(page: Page, place: number): Promise<number> {
  return page.evaluate(`(async () => {
    ${whenDone}
    const rows = [...document.querySelectorAll('.space .row')]
    const body = document.querySelector('#item-body')
    body.replaceChildren()
    const startedAt = performance.now()
    rows[${place} % rows.length].click()
    await until(() => body.childElementCount > 0)
    await shown()
    return performance.now() - startedAt
  })()`)
}
