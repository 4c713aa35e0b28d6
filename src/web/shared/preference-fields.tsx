import { LANGUAGES, type Language, language, THEMES, type Theme, theme } from './preferences.ts'
import { t } from './strings.ts'

const LANGUAGE_NAMES: Record<Language, string> = { en: 'English', sv: 'Svenska' }

/** The choice of the language and the colours. */
export function Preferences() {
  const strings = t.value
  const themes: Record<Theme, string> = {
    auto: strings.coloursAuto,
    light: strings.coloursLight,
    dark: strings.coloursDark,
  }
  return (
    <div class="preferences">
      <label>
        <span>{strings.language}</span>
        <select
          value={language.value}
          onChange={({ currentTarget: { value } }) => {
            language.value = value as Language
          }}
        >
          {LANGUAGES.map((each) => (
            <option key={each} value={each} lang={each}>
              {LANGUAGE_NAMES[each]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{strings.colours}</span>
        <select
          value={theme.value}
          onChange={({ currentTarget: { value } }) => {
            theme.value = value as Theme
          }}
        >
          {THEMES.map((each) => (
            <option key={each} value={each}>
              {themes[each]}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
