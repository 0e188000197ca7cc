//! `ibid chat`: a conversation on the terminal. It is a thread of the library: it can be left at any time, survives
//! the server, and goes on with `--thread` or on the page.

use std::io::{BufRead, IsTerminal, Read};
use std::process::ExitCode;

use ibid_api::thread::{
    FeedbackRequest, Thread, ThreadForkRequest, ThreadRequest, ThreadsPage, Turn, TurnRequest, TurnsPage,
};
use ibid_serve::Reply;
use ibid_types::{Error, Result};

use super::follow::{End, follow};
use super::{ask, filter};
use crate::args::{Chat, Quality};
use crate::context::{Context, escaped};
use crate::output::{
    ABSTAINED, PARTLY_FAILED, foreign, foreign_line, json, line, note, piece, print_error, shortened,
};

/// Turns that `/history` shows.
const HISTORY_MAX: usize = 200;
/// Threads that `/threads` shows.
const THREADS_MAX: usize = 20;

const HELP: &str = "\
/history          the conversation so far          /sources       the sources of the last answer, whole
/fork [TURN]      a new thread that goes on from there             /new           a new thread
/threads          the newest threads               /open ID       goes on with another thread
/quality [LEVEL]  quick, balanced or thorough      /good, /bad [REASON]   says what the last answer was worth
/retry            asks the last question again     /quit          leaves (so does Ctrl-D)";

/// A conversation that is under way.
struct Talk<'a> {
    context: &'a Context,
    arguments: &'a Chat,
    thread: Option<Thread>,
    quality: Quality,
    last: Option<Turn>,
}

pub fn run(context: &Context, arguments: &Chat) -> Result<ExitCode> {
    let mut talk = Talk { context, arguments, thread: None, quality: arguments.quality, last: None };
    talk.open()?;
    if arguments.question.is_empty() { talk.converse() } else { talk.ask_once() }
}

impl Talk<'_> {
    fn open(&mut self) -> Result<()> {
        if let Some(id) = &self.arguments.thread {
            self.thread = Some(self.context.client.get(&thread_path(self.context, id, ""))?.json()?);
        } else if self.arguments.last {
            self.thread = self.newest(1)?.into_iter().next();
        }
        Ok(())
    }

    fn newest(&self, limit: usize) -> Result<Vec<Thread>> {
        let path = self.context.path(&format!("/v1/threads?limit={limit}"));
        Ok(self.context.client.get(&path)?.json::<ThreadsPage>()?.threads)
    }

    fn ask_once(&mut self) -> Result<ExitCode> {
        let mut question = self.arguments.question.join(" ");
        if question == "-" {
            question.clear();
            std::io::stdin().lock().read_to_string(&mut question).map_err(unreadable)?;
        }
        let code = self.ask(&question, self.arguments.fresh)?;
        if let Some(thread) = self.thread.as_ref().filter(|_| !self.context.common.json) {
            note(&self.context.color.dim(&format!("Go on with: ibid chat --thread {}", thread.id)));
        }
        Ok(code)
    }

    fn converse(&mut self) -> Result<ExitCode> {
        let is_terminal = std::io::stdin().is_terminal();
        if is_terminal {
            self.greet();
        }
        loop {
            if is_terminal {
                piece(&self.context.color.bold("> "))?;
            }
            let mut text = String::new();
            if std::io::stdin().lock().read_line(&mut text).map_err(unreadable)? == 0 {
                if is_terminal {
                    note("");
                }
                return Ok(ExitCode::SUCCESS);
            }
            match self.say(text.trim()) {
                Ok(true) => {}
                Ok(false) => return Ok(ExitCode::SUCCESS),
                Err(error) if is_terminal => print_error(&error, self.context.color),
                Err(error) => return Err(error),
            }
        }
    }

    fn greet(&self) {
        let about = self.thread.as_ref().map_or_else(
            || "A new thread.".to_owned(),
            |thread| format!("Thread {}: {}", thread.id, foreign_line(&thread.title)),
        );
        note(&self.context.color.dim(&format!("{about} Ask, or type /help.")));
    }

    /// One line of the person; false ends the conversation.
    fn say(&mut self, text: &str) -> Result<bool> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match word {
            "" => {}
            "/quit" | "/exit" => return Ok(false),
            "/help" => note(HELP),
            "/history" => self.history()?,
            "/sources" => self.sources()?,
            "/fork" => self.fork(rest.trim())?,
            "/new" => (self.thread, self.last) = (None, None),
            "/threads" => self.threads()?,
            "/open" => self.change_to(rest.trim())?,
            "/quality" => self.set_quality(rest.trim())?,
            "/good" => self.rate(1, rest.trim())?,
            "/bad" => self.rate(-1, rest.trim())?,
            "/retry" => {
                let question = self.last()?.question.clone();
                self.ask(&question, true)?;
            }
            _ if word.starts_with('/') => {
                let what = format!("there is no command {word}; /help lists them");
                return Err(Error::bad_request("chat_command_unknown", what));
            }
            _ => {
                self.ask(text, self.arguments.fresh)?;
            }
        }
        Ok(true)
    }

    /// Asks a question, `fresh` for an answer that is made anew.
    fn ask(&mut self, question: &str, fresh: bool) -> Result<ExitCode> {
        let reply = self.post(&TurnRequest { fresh, ..self.request(question) })?;
        match follow(self.context, None, Some(reply))? {
            End::Asked(approval) => {
                line(&self.context.color.yellow(&foreign(&approval.prompt)))?;
                note(&format!("answer with: ibid run approve {} VALUE", approval.run));
                Ok(ExitCode::SUCCESS)
            }
            End::Done { done, printed } => {
                self.last = done.turn;
                self.show_last(&printed)
            }
            End::Failed(error) => {
                self.last = self.turns()?.pop();
                print_error(&error, self.context.color);
                Ok(ExitCode::from(PARTLY_FAILED))
            }
        }
    }

    /// Begins a turn. A thread that was made for a question that is refused is taken back.
    fn post(&mut self, request: &TurnRequest) -> Result<Reply> {
        let is_new = self.thread.is_none();
        let thread = self.thread_id()?;
        let path = thread_path(self.context, &thread, "");
        let asked = self.context.client.post(&thread_path(self.context, &thread, "/turns"), request);
        if is_new && asked.is_err() {
            self.thread = None;
            // The refusal is what the person must hear of; an empty thread that stays is harmless.
            let _ = self.context.client.delete(&path);
        }
        asked
    }

    fn request(&self, question: &str) -> TurnRequest {
        let arguments = self.arguments;
        TurnRequest {
            question: question.to_owned(),
            mode: Some(arguments.mode.name().to_owned()),
            model: arguments.model.clone(),
            quality: Some(self.quality.name().to_owned()),
            filter: filter(&arguments.filters),
            items: arguments.items,
            tokens: arguments.tokens,
            temperature: arguments.temperature,
            flow: arguments.flow.clone(),
            stream: true,
            ..TurnRequest::default()
        }
    }

    /// The thread's id; the first question makes one.
    fn thread_id(&mut self) -> Result<String> {
        if let Some(thread) = &self.thread {
            return Ok(thread.id.clone());
        }
        let workspace = self.context.common.workspace.clone();
        let made: Thread =
            self.context.client.post("/v1/threads", &ThreadRequest { workspace, title: None })?.json()?;
        Ok(self.thread.insert(made).id.clone())
    }

    /// The last turn; `printed` is what of its answer stands there already.
    fn show_last(&self, printed: &str) -> Result<ExitCode> {
        let Some(turn) = &self.last else { return Ok(ExitCode::SUCCESS) };
        if self.context.common.json {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(failure) = &turn.failure {
            note(&self.context.color.red(&format!("{} [{}]", foreign(&failure.reason), failure.code)));
            return Ok(ExitCode::from(PARTLY_FAILED));
        }
        let Some(answer) = &turn.answer else { return Ok(ExitCode::SUCCESS) };
        let is_printed = printed.trim_end() == foreign(answer.text.trim_end());
        ask::show(self.context, answer, is_printed, false)?;
        Ok(if answer.abstained.is_some() { ExitCode::from(ABSTAINED) } else { ExitCode::SUCCESS })
    }

    fn last(&self) -> Result<&Turn> {
        self.last.as_ref().ok_or_else(|| {
            Error::bad_request("chat_nothing_said", "nothing was asked here yet; ask something first")
        })
    }

    fn turns(&self) -> Result<Vec<Turn>> {
        let Some(thread) = &self.thread else { return Ok(Vec::new()) };
        let path = thread_path(self.context, &thread.id, &format!("/turns?limit={HISTORY_MAX}"));
        Ok(self.context.client.get(&path)?.json::<TurnsPage>()?.turns)
    }

    fn history(&self) -> Result<()> {
        let turns = self.turns()?;
        if self.context.common.json {
            return json(&turns);
        }
        for turn in &turns {
            let color = self.context.color;
            line(&format!(
                "{} {}",
                color.cyan(&format!("{}.", turn.number)),
                color.bold(&foreign(&turn.question))
            ))?;
            let answer = turn.answer.as_ref().map_or(turn.status.as_str(), said);
            line(&format!("   {}", foreign(&shortened(answer, 400))))?;
        }
        Ok(())
    }

    fn sources(&self) -> Result<()> {
        match &self.last()?.answer {
            Some(answer) if !answer.citations.is_empty() => ask::sources(self.context, answer, usize::MAX),
            _ => {
                note("the last answer has no sources");
                Ok(())
            }
        }
    }

    fn fork(&mut self, turn: &str) -> Result<()> {
        let thread = self.thread.as_ref().ok_or_else(|| {
            Error::bad_request("chat_nothing_said", "there is no thread to fork yet; ask something first")
        })?;
        let turn = if turn.is_empty() { None } else { Some(number(turn)?) };
        let path = thread_path(self.context, &thread.id, "/fork");
        self.thread = Some(self.context.client.post(&path, &ThreadForkRequest { turn })?.json()?);
        self.last = self.turns()?.pop();
        self.greet();
        Ok(())
    }

    fn threads(&self) -> Result<()> {
        for thread in self.newest(THREADS_MAX)? {
            let title = foreign(&shortened(&thread.title, 60));
            line(&format!("{}  {title}  {}", thread.id, self.context.color.dim(&thread.updated_at)))?;
        }
        Ok(())
    }

    fn change_to(&mut self, id: &str) -> Result<()> {
        self.thread = Some(self.context.client.get(&thread_path(self.context, id, ""))?.json()?);
        self.last = self.turns()?.pop();
        self.greet();
        Ok(())
    }

    fn set_quality(&mut self, level: &str) -> Result<()> {
        if !level.is_empty() {
            let known = [Quality::Quick, Quality::Balanced, Quality::Thorough];
            self.quality = known.into_iter().find(|quality| quality.name() == level).ok_or_else(|| {
                let what = format!("'{level}' is no quality; use quick, balanced or thorough");
                Error::bad_request("quality_unknown", what)
            })?;
        }
        note(&format!("quality: {}", self.quality.name()));
        Ok(())
    }

    fn rate(&self, rating: i8, reason: &str) -> Result<()> {
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        let request = FeedbackRequest { rating, reason, correction: None };
        let path = self.context.path(&format!("/v1/turns/{}/feedback", self.last()?.id));
        self.context.client.put(&path, &request)?;
        note("Thank you; it is kept with the answer.");
        Ok(())
    }
}

fn thread_path(context: &Context, id: &str, rest: &str) -> String {
    context.path(&format!("/v1/threads/{}{rest}", escaped(id)))
}

/// What an answer says, or why it says nothing.
fn said(answer: &ibid_api::answer::Answer) -> &str {
    answer.abstained.as_ref().map_or(answer.text.as_str(), |abstention| abstention.reason.as_str())
}

fn number(text: &str) -> Result<u32> {
    text.parse().map_err(|_| {
        Error::bad_request("turn_unknown", format!("'{text}' is no turn's number; /history shows them"))
    })
}

fn unreadable(error: std::io::Error) -> Error {
    Error::bad_request("question_unreadable", "cannot read from standard input").caused_by(error)
}
