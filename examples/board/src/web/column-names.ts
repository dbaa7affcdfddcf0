import type { Column } from '../columns.ts'

/** The names of the columns on the page. */
export const columnNames: Readonly<Record<Column, string>> = { todo: 'To do', doing: 'Doing', done: 'Done' }
