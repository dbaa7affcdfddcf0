import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { ListedMessage } from './listed-message.ts'

const endPx = 48 // this near to the end counts as at the end

/**
 * Keeps a list at its end while the reader is there, and the reader in place otherwise: what comes below is counted,
 * what comes above moves nothing.
 */
export function useStickyScroll(messages: readonly ListedMessage[], me: string | null) {
  const scroller = useRef<HTMLElement>(null)
  const atEnd = useRef(true)
  const before = useRef({ firstId: '', lastId: '', count: 0, height: 0, top: 0 })
  const [unseen, setUnseen] = useState(0)

  const toEnd = useCallback(() => {
    const element = scroller.current
    if (element !== null) element.scrollTop = element.scrollHeight
    atEnd.current = true
    setUnseen(0)
  }, [])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const { firstId, lastId, count, height } = before.current
    const first = messages[0]?.message.id ?? ''
    const last = messages.at(-1)
    const prepended = first !== firstId && count > 0
    const appended = (last?.message.id ?? '') !== lastId
    if (atEnd.current || (appended && last?.unsent !== undefined && last.message.author === me)) toEnd()
    else if (prepended) element.scrollTop += element.scrollHeight - height
    else if (appended) setUnseen((now) => now + Math.max(0, messages.length - count))
    before.current = {
      ...before.current,
      firstId: first,
      lastId: last?.message.id ?? '',
      count: messages.length,
      height: element.scrollHeight,
    }
  }, [messages, me, toEnd])

  useEffect(() => {
    if (scroller.current === null) return
    const observer = new ResizeObserver(() => atEnd.current && toEnd()) // the composer grew, or a phone's keyboard came
    observer.observe(scroller.current)
    return () => observer.disconnect()
  }, [toEnd])

  /** True when the reader moved up. */
  const onScroll = useCallback((): boolean => {
    const element = scroller.current
    if (element === null) return false
    const movedUp = element.scrollTop < before.current.top
    before.current.top = element.scrollTop
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < endPx
    if (atEnd.current) setUnseen(0)
    return movedUp
  }, [])

  return { scroller, unseen, onScroll, toEnd }
}
