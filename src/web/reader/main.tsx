import './style.css'
import { render } from 'preact'

render(<h1>komgate</h1>, document.body)
