import '../shared/base.css'
import { render } from 'preact'
import { applyPreferences } from '../shared/preferences.ts'
import { App } from './app.tsx'
import { registerWorker } from './install/worker.ts'
import { start } from './session/session.ts'
import { keepFocus } from './shell/keep-focus.ts'

applyPreferences()
keepFocus()
render(<App />, document.getElementById('app') as HTMLElement)
void start()
registerWorker()
