import { describe, it } from 'node:test'
import { storeSuite } from '@trunkline/server/ports/testing'
import { ToyStore } from './toy-store.js'

storeSuite({ describe, it }, { name: 'a toy store', createStore: () => new ToyStore() })
