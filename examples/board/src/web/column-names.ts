import type { Column } from '../columns.ts'

/** What a column is called on the page. */
export const columnNames: Readonly<Record<Column, string>> = { todo: 'To do', doing: 'Doing', done: 'Done' }
