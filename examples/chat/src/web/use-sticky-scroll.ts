import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { ListedMessage } from './listed-message.ts'

const endPx = 48 // a position this close to the end counts as the end

/**
 * Keeps a list scrolled to its end while the reader is there. Otherwise the position stays: new messages below are
 * counted, and older ones above do not move the text.
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
    // the composer grew, or a phone's keyboard appeared
    const observer = new ResizeObserver(() => atEnd.current && toEnd())
    observer.observe(scroller.current)
    return () => observer.disconnect()
  }, [toEnd])

  /** Returns true when the reader scrolled up. */
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
