import '../shared/base.css'
import { render } from 'preact'
import { applyPreferences } from '../shared/preferences.ts'
import { App } from './app.tsx'

applyPreferences()
render(<App />, document.getElementById('app') as HTMLElement)
