import { utf8Bytes } from '@trunkline/protocol'

/** What goes into one frame: some items, and their texts with commas between. */
export interface FramePage<T> {
  readonly items: readonly T[]
  readonly text: string
}

/** Puts items into pages of at most `count` whose texts have at most `maxBytes`; an item that is larger has a page of its own. */
export function toPages<T extends { readonly text: string }>(
  items: readonly T[],
  { count, maxBytes }: { readonly count: number; readonly maxBytes: number },
): readonly FramePage<T>[] {
  const pages: { items: T[]; text: string; bytes: number }[] = []
  for (const item of items) {
    const bytes = utf8Bytes(item.text) + 1
    const page = pages.at(-1)
    if (page === undefined || page.items.length >= count || page.bytes + bytes > maxBytes)
      pages.push({ items: [item], text: item.text, bytes })
    else {
      page.items.push(item)
      page.text += `,${item.text}`
      page.bytes += bytes
    }
  }
  return pages
}
