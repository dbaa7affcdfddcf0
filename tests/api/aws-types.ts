export interface ScheduledEvent {
  id: string
  time: string
}
