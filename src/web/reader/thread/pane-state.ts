import { computed, signal } from '@preact/signals'

/** Screens with room for the thread beside the text; shell.css has the same width. */
const ROOM = matchMedia('(min-width: 1200px)')

/** Whether the thread is always beside the text. */
export const hasRoom = signal(ROOM.matches)
ROOM.addEventListener('change', ({ matches }) => {
  hasRoom.value = matches
})

/** Whether the thread has been opened on a screen without room for it. */
export const isThreadOpen = signal(false)

/** Whether the focus is to move into the thread. */
export const isFocusWanted = signal(false)

/** Whether the thread is displayed when a text is. */
export const isThreadShown = computed(() => hasRoom.value || isThreadOpen.value)
