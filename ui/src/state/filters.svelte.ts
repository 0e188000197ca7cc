// What a question or a search is limited to. Shared by both pages, so that a choice holds while one looks around.
import type { Filter } from '../api/types';

class Filters {
  tags = $state<string[]>([]);
  languages = $state<string[]>([]);
  documents = $state<{ id: string; title: string }[]>([]);
  pathPrefix = $state('');
  dateFrom = $state('');
  dateTo = $state('');
  // Answers are made of what is remembered too, where nothing limits them.
  documentsOnly = $state(false);
  open = $state(false);

  get count(): number {
    const texts = [this.pathPrefix, this.dateFrom, this.dateTo].filter((text) => text.trim() !== '');
    return this.tags.length + this.languages.length + this.documents.length + texts.length + (this.documentsOnly ? 1 : 0);
  }

  clear() {
    this.tags = [];
    this.languages = [];
    this.documents = [];
    this.pathPrefix = '';
    this.dateFrom = '';
    this.dateTo = '';
    this.documentsOnly = false;
  }

  onlyDocument(id: string, title: string) {
    this.clear();
    this.documents = [{ id, title }];
    this.open = true;
  }

  asked(): Filter {
    const filter: Filter = {};
    if (this.tags.length > 0) filter.tags = [...this.tags];
    if (this.languages.length > 0) filter.languages = [...this.languages];
    if (this.documents.length > 0) filter.documents = this.documents.map((document) => document.id);
    if (this.pathPrefix.trim()) filter.path_prefix = this.pathPrefix.trim();
    if (this.dateFrom) filter.date_from = this.dateFrom;
    if (this.dateTo) filter.date_to = this.dateTo;
    if (this.documentsOnly) filter.without_memory = true;
    return filter;
  }
}

export const filters = new Filters();
