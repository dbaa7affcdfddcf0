import { useSyncExternalStore } from 'react'
import type { Store } from './store.ts'

/** The value of a store. */
export const useStore = <T>({ subscribe, get }: Store<T>): T => useSyncExternalStore(subscribe, get)
