import { onScopeDispose, type ShallowRef, shallowRef } from 'vue'
import type { Store } from './store.ts'

/** The value of a store, for as long as the component exists. */
export function useStore<T>(store: Store<T>): Readonly<ShallowRef<T>> {
  const value = shallowRef(store.get())
  onScopeDispose(
    store.subscribe((next) => {
      value.value = next
    }),
  )
  return value
}
